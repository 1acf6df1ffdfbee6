import { int, list, record, text, type WrittenAs } from './jute-record.js';
import { stat } from './stat.record.js';

export const PERMISSIONS = {
  read: 1,
  write: 2,
  create: 4,
  delete: 8,
  admin: 16,
  all: 31,
} as const;

/** The permissions and the lengths of two strings. */
const LEAST_ENTRY_BYTES = 12;

/** What somebody may do with a node. */
export type AclEntry = WrittenAs<typeof aclEntry>;
const aclEntry = record({ permissions: int, scheme: text, id: text });

export type Acl = WrittenAs<typeof acl>;
export const acl = list(aclEntry, LEAST_ENTRY_BYTES);

/** All permissions for the identities that the session has proved, none for others. */
export const CREATOR_ALL: Acl = [
  { permissions: PERMISSIONS.all, scheme: 'auth', id: '' },
];

/** ZooKeeper's default: everything to everybody. */
export const OPEN: Acl = [
  { permissions: PERMISSIONS.all, scheme: 'world', id: 'anyone' },
];

export type SetAclRequest = WrittenAs<typeof setAclRequest>;
/** The version is that of the ACL; -1: any. */
export const setAclRequest = record({ path: text, acl, version: int });

export const getAclReply = record({ acl, stat });
