import { PERMISSIONS, type Acl } from '../codec/acl.record.js';

/** Schemes that ask for no secret. */
const UNPROVED_SCHEMES: ReadonlySet<string> = new Set(['world', 'ip', 'host']);

/**
 * Whether somebody may do more than read without proving who he is. Identities
 * that an administrator has added, each with a secret of its own, are trusted.
 */
export function isOpenToOthers(acl: Acl): boolean {
  return acl.some(
    ({ permissions, scheme }) =>
      UNPROVED_SCHEMES.has(scheme) && (permissions & ~PERMISSIONS.read) !== 0,
  );
}
