import { createHash } from 'node:crypto';
import type { Acl } from '../support/wire-records.js';

/** Who takes rights away and gives them back: a user name and a password. */
export const OPERATOR = 'operator:of the faults';

const ALL = 31;

/** Nobody but the operator may do anything. */
export const CLOSED: Acl[] = [
  { permissions: ALL, scheme: 'digest', id: digest(OPERATOR) },
];

/** As ZooKeeper stores a user name and password. */
function digest(identity: string): string {
  const hash = createHash('sha1').update(identity).digest('base64');
  return `${identity.split(':')[0]}:${hash}`;
}
