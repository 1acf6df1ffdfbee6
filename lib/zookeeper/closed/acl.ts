import type { JuteReader, JuteWriter } from './jute.js';

/** What somebody may do with a node. */
export interface AclEntry {
  readonly permissions: number;
  readonly scheme: string;
  readonly id: string;
}

const READ = 1;
const ALL = 31;

/** Everything to whoever the session has proved to be, nothing to others. */
export const CREATOR_ALL: readonly AclEntry[] = [
  { permissions: ALL, scheme: 'auth', id: '' },
];

/** ZooKeeper's default: everything to everybody. */
export const OPEN: readonly AclEntry[] = [
  { permissions: ALL, scheme: 'world', id: 'anyone' },
];

/** Schemes that ask for no secret. */
const UNPROVED_SCHEMES: ReadonlySet<string> = new Set(['world', 'ip', 'host']);

/** More than any administrator writes. */
const MOST_ENTRIES = 1_000;

/**
 * Whether somebody may do more than read without proving who he is. Identities
 * that an administrator has added, each with a secret of its own, are trusted.
 */
export function isOpenToOthers(acl: readonly AclEntry[]): boolean {
  return acl.some(
    ({ permissions, scheme }) =>
      UNPROVED_SCHEMES.has(scheme) && (permissions & ~READ) !== 0,
  );
}

export function writeAcl(
  writer: JuteWriter,
  acl: readonly AclEntry[],
): JuteWriter {
  writer.int(acl.length);
  for (const { permissions, scheme, id } of acl) {
    writer.int(permissions).string(scheme).string(id);
  }
  return writer;
}

export function readAcl(reader: JuteReader): AclEntry[] {
  const length = Math.max(0, reader.int());
  if (length > MOST_ENTRIES) {
    throw new RangeError(`an access control list of ${length} entries`);
  }
  return Array.from({ length }, () => ({
    permissions: reader.int(),
    scheme: reader.string(),
    id: reader.string(),
  }));
}
