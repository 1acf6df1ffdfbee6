import { createHash } from 'node:crypto';
import type { Acl, AclEntry } from '../../zookeeper/codec/acl.record.js';
import { RESULT_CODES } from '../../zookeeper/codec/result-codes.js';
import { ipMatches, isIpExpression } from './ip-access.js';
import { JavaHashSet, javaHash } from './java-hash-set.js';
import { Refusal } from './refusal.js';
import type { Identity } from './server.records.js';

/** Who a connection has proved to be, in the order in which a server has them. */
export class Identities {
  readonly #known = new Map<string, Identity>();
  readonly #order = new JavaHashSet();

  constructor(address: string) {
    this.add({ scheme: 'ip', id: address });
  }

  /**
   * @returns false if the scheme is unknown, or the credentials are no good
   */
  authenticate(scheme: string, secret: Uint8Array): boolean {
    if (scheme === 'digest') {
      this.add({ scheme, id: digestOf(Buffer.from(secret).toString()) });
    }
    return scheme === 'digest' || scheme === 'ip';
  }

  add(identity: Identity): void {
    const key = JSON.stringify([identity.scheme, identity.id]);
    this.#known.set(key, identity);
    const hash = Math.imul(37, 629 + javaHash(identity.scheme));
    this.#order.add(key, (hash + javaHash(identity.id)) | 0);
  }

  get all(): Identity[] {
    return [...this.#order].map((key) => this.#known.get(key) as Identity);
  }

  /** As `whoAmI` names them: without the hash of the password. */
  get users(): Identity[] {
    return this.all.map(({ scheme, id }) => ({
      scheme,
      id: scheme === 'digest' ? (id.split(':')[0] as string) : id,
    }));
  }
}

/** `user:<hash of user:password>`, as ACLs name a user of the digest scheme. */
export function digestOf(credentials: string): string {
  const hash = createHash('sha1').update(credentials).digest('base64');
  return `${credentials.split(':')[0]}:${hash}`;
}

/**
 * The ACL that a node gets: without duplicates, with `auth` replaced by who the
 * connection has proved to be.
 *
 * @throws {Refusal} if it is none
 */
export function completeAcl(acl: Acl, identities: Identities): Acl {
  const unique = acl.filter(
    (entry, index) => acl.findIndex((other) => isSame(entry, other)) === index,
  );
  const proved = identities.all.filter(({ scheme }) => scheme === 'digest');
  const complete = unique.flatMap((entry): AclEntry[] => {
    const { permissions, scheme, id } = entry;
    if (scheme === 'auth') {
      return proved.map((identity) => ({ permissions, ...identity }));
    }
    return isValid(scheme, id) ? [entry] : [];
  });
  const isFine = unique.every(({ scheme, id }) =>
    scheme === 'auth' ? proved.length > 0 : isValid(scheme, id),
  );
  if (!isFine || complete.length === 0) {
    throw new Refusal(RESULT_CODES.invalidAcl);
  }
  return complete;
}

/** @throws {Refusal} unless the ACL grants one of `permissions` */
export function checkAccess(
  acl: Acl,
  permissions: number,
  identities: Identities,
): void {
  if (!permits(acl, permissions, identities)) {
    throw new Refusal(RESULT_CODES.noAuth);
  }
}

export function permits(
  acl: Acl,
  permissions: number,
  identities: Identities,
): boolean {
  return acl.some(
    (entry) =>
      (entry.permissions & permissions) !== 0 &&
      (isAnyone(entry) ||
        identities.all.some((identity) => matches(identity, entry))),
  );
}

/** The ACL as somebody sees it who may not change it. */
export function maskedAcl(acl: Acl): Acl {
  return acl.map(({ permissions, scheme, id }) => ({
    permissions,
    scheme,
    id: scheme === 'digest' ? id.replaceAll(/:.*/g, ':x') : id,
  }));
}

function matches(identity: Identity, { scheme, id }: AclEntry): boolean {
  return (
    identity.scheme === scheme &&
    (scheme === 'ip' ? ipMatches(identity.id, id) : identity.id === id)
  );
}

function isAnyone({ scheme, id }: Identity): boolean {
  return scheme === 'world' && id === 'anyone';
}

function isValid(scheme: string, id: string): boolean {
  switch (scheme) {
    case 'world':
      return id === 'anyone';
    case 'digest':
      // Two parts, the second one not empty.
      return /^[^:]*:[^:]+:*$/.test(id);
    case 'ip':
      return isIpExpression(id);
    default:
      return false;
  }
}

function isSame(a: AclEntry, b: AclEntry): boolean {
  return (
    a.permissions === b.permissions && a.scheme === b.scheme && a.id === b.id
  );
}
