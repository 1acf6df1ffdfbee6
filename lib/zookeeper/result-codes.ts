import { RESULT_CODES } from './codec/result-codes.js';
import { ZookeeperError, type ZookeeperErrorCode } from './zookeeper.error.js';

const TEXTS = new Map<number, [code: ZookeeperErrorCode, text: string]>([
  [
    RESULT_CODES.connectionLoss,
    ['CONNECTION_LOSS', 'the connection to ZooKeeper was lost'],
  ],
  [
    RESULT_CODES.operationTimeout,
    ['TIMEOUT', 'ZooKeeper did not answer in time'],
  ],
  [RESULT_CODES.requestTimeout, ['TIMEOUT', 'ZooKeeper did not do it in time']],
  [
    RESULT_CODES.marshallingError,
    ['BAD_ARGUMENTS', 'ZooKeeper could not read the request'],
  ],
  [
    RESULT_CODES.unimplemented,
    ['UNIMPLEMENTED', 'the ZooKeeper server is too old for this'],
  ],
  [RESULT_CODES.badArguments, ['BAD_ARGUMENTS', 'the request is malformed']],
  [RESULT_CODES.noNode, ['NO_NODE', 'the node does not exist']],
  [RESULT_CODES.noAuth, ['NO_AUTH', 'the credentials do not permit this']],
  [
    RESULT_CODES.badVersion,
    ['BAD_VERSION', 'the node has been changed by somebody else'],
  ],
  [
    RESULT_CODES.noChildrenForEphemerals,
    ['NO_CHILDREN_FOR_EPHEMERALS', 'an ephemeral node has no children'],
  ],
  [RESULT_CODES.nodeExists, ['NODE_EXISTS', 'the node exists already']],
  [RESULT_CODES.notEmpty, ['NOT_EMPTY', 'the node has children']],
  [RESULT_CODES.sessionExpired, ['SESSION_EXPIRED', 'the session has expired']],
  [
    RESULT_CODES.invalidAcl,
    ['INVALID_ACL', 'the access control list is invalid'],
  ],
  [
    RESULT_CODES.authFailed,
    ['AUTH_FAILED', 'ZooKeeper refused the credentials'],
  ],
  [
    RESULT_CODES.closing,
    ['CONNECTION_LOSS', 'the connection to ZooKeeper was closed'],
  ],
  [
    RESULT_CODES.sessionMoved,
    ['SESSION_MOVED', 'the session has moved to another server'],
  ],
  [
    RESULT_CODES.sessionClosedRequireSaslAuth,
    ['AUTH_FAILED', 'ZooKeeper demands another proof of who this is'],
  ],
  [
    RESULT_CODES.quotaExceeded,
    ['QUOTA_EXCEEDED', 'a quota of the ZooKeeper servers is used up'],
  ],
  [
    RESULT_CODES.throttled,
    ['THROTTLED', 'the ZooKeeper server has too much to do'],
  ],
  // Of the native client: it gives a connection up, and with it whatever waits
  // for an answer, after an error of the system's or an answer out of turn.
  [-1, ['CONNECTION_LOSS', 'the connection to ZooKeeper has failed']],
  [-2, ['CONNECTION_LOSS', 'ZooKeeper answered out of turn']],
  [-3, ['CONNECTION_LOSS', 'ZooKeeper answered out of turn']],
  [-9, ['CONNECTION_LOSS', 'there is no connection to ZooKeeper']],
]);

/** The typed error for a result code. */
export function errorOfCode(
  code: number,
  operation: string,
  path: string,
  hasCredentials = true,
): ZookeeperError {
  if (code === RESULT_CODES.noAuth && !hasCredentials) {
    return new ZookeeperError(
      'NO_AUTH',
      `${operation} ${path}: closed to clients without credentials; set the ` +
        'option credentials',
      path,
    );
  }
  const [name, text] = TEXTS.get(code) ?? [
    'UNKNOWN' as const,
    `ZooKeeper answered with code ${code}`,
  ];
  return new ZookeeperError(name, `${operation} ${path}: ${text}`, path);
}
