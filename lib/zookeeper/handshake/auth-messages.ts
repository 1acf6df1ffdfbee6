import { messageOf } from '../../message-of.js';
import type { AuthRequest } from '../codec/auth.records.js';
import { RESULT_CODES } from '../codec/result-codes.js';
import { ZookeeperError } from '../zookeeper.error.js';
import { isPortable, type SaslLogin } from './sasl-login.js';

/** A server's answer to a step of a login. */
export class SaslCodeError extends Error {
  override readonly name = 'SaslCodeError';

  constructor(readonly code: number) {
    super(`the server answered with code ${code}`);
  }
}

/** The server did not take an identity, or demands one. */
export function authRefused(
  code: number,
  {
    sasl,
    auth,
  }: { sasl?: SaslLogin | undefined; auth: readonly AuthRequest[] },
): ZookeeperError {
  if (code !== RESULT_CODES.sessionClosedRequireSaslAuth) {
    return authFailed(
      'ZooKeeper refused the option credentials: the servers have no digest ' +
        `authentication, or ask for another one (code ${code})`,
    );
  }
  const given = [sasl && 'sasl', auth.length > 0 && 'credentials'].filter(
    Boolean,
  );
  return authFailed(
    given.length === 0
      ? 'ZooKeeper serves only clients that prove who they are: set the option ' +
          'sasl or credentials. The setting enforce.auth.schemes of the servers ' +
          'says which; sessionRequireClientSASLAuth demands sasl'
      : `ZooKeeper does not accept the option ${given.join(' or ')} as proof: ` +
          'its setting enforce.auth.schemes names another scheme, or ' +
          'sessionRequireClientSASLAuth demands the option sasl',
  );
}

/** A login has failed, here or there. */
export function saslRefused(sasl: SaslLogin, error: unknown): ZookeeperError {
  if (!(error instanceof SaslCodeError)) {
    const why = messageOf(error);
    return authFailed(`The login of the option sasl failed: ${why}`);
  }
  const isDigest = isPortable(sasl);
  const who = isDigest
    ? `the user "${sasl.username}" with that password`
    : 'this login';
  // ZOOKEEPER-5043: by default, newer servers of 3.9 do not offer DIGEST-MD5.
  const fix = isDigest
    ? '; start servers of ZooKeeper 3.9 with -Dzookeeper.fips-mode=false'
    : '';
  return authFailed(
    `ZooKeeper refused the option sasl (code ${error.code}): its servers do not ` +
      `know ${who}, or do not offer the mechanism ${sasl.mechanism}. Compare it ` +
      `with the section "Server" of their JAAS file${fix}`,
  );
}

/** The server is of no use now; another may be. */
export function elsewhere(why: string): ZookeeperError {
  return new ZookeeperError('CONNECTION_LOSS', why);
}

function authFailed(message: string): ZookeeperError {
  return new ZookeeperError('AUTH_FAILED', message);
}
