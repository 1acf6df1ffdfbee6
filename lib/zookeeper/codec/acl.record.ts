import type { JuteRecord } from './jute-record.js';
import { stat, type Stat } from './stat.record.js';

export const PERMISSIONS = {
  read: 1,
  write: 2,
  create: 4,
  delete: 8,
  admin: 16,
  all: 31,
} as const;

/** What somebody may do with a node. */
export interface AclEntry {
  readonly permissions: number;
  readonly scheme: string;
  readonly id: string;
}

export type Acl = readonly AclEntry[];

/** All permissions for the identities that the session has proved, none for others. */
export const CREATOR_ALL: Acl = [
  { permissions: PERMISSIONS.all, scheme: 'auth', id: '' },
];

/** ZooKeeper's default: everything to everybody. */
export const OPEN: Acl = [
  { permissions: PERMISSIONS.all, scheme: 'world', id: 'anyone' },
];

/** The permissions and the lengths of two strings. */
const LEAST_ENTRY_BYTES = 12;

export const acl: JuteRecord<Acl> = {
  write(writer, entries) {
    writer.list(entries, (to, { permissions, scheme, id }) =>
      to.int(permissions).text(scheme).text(id),
    );
  },
  read: (reader) =>
    reader.list(
      (from) => ({
        permissions: from.int(),
        scheme: from.text(),
        id: from.text(),
      }),
      LEAST_ENTRY_BYTES,
    ),
};

export interface SetAclRequest {
  readonly path: string;
  readonly acl: Acl;
  /** Of the ACL; -1: any. */
  readonly version: number;
}

export const setAclRequest: JuteRecord<SetAclRequest> = {
  write(writer, value) {
    writer.text(value.path);
    acl.write(writer, value.acl);
    writer.int(value.version);
  },
  read: (reader) => ({
    path: reader.text(),
    acl: acl.read(reader),
    version: reader.int(),
  }),
};

export interface GetAclReply {
  readonly acl: Acl;
  readonly stat: Stat;
}

export const getAclReply: JuteRecord<GetAclReply> = {
  write(writer, value) {
    acl.write(writer, value.acl);
    stat.write(writer, value.stat);
  },
  read: (reader) => ({ acl: acl.read(reader), stat: stat.read(reader) }),
};
