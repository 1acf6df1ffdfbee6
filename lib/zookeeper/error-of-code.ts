import { RESULT_CODES } from './codec/result-codes.js';
import {
  requestError,
  type ZookeeperError,
  type ZookeeperErrorCode,
} from './zookeeper.error.js';

const OUT_OF_TURN = 'ZooKeeper answered out of turn';

/** By the names of {@link RESULT_CODES}. */
const ERRORS: Readonly<
  Partial<Record<string, readonly [code: ZookeeperErrorCode, text: string]>>
> = {
  connectionLoss: ['CONNECTION_LOSS', 'the connection to ZooKeeper was lost'],
  operationTimeout: ['TIMEOUT', 'ZooKeeper did not answer in time'],
  requestTimeout: ['TIMEOUT', 'ZooKeeper did not do it in time'],
  marshallingError: ['BAD_ARGUMENTS', 'ZooKeeper could not read the request'],
  unimplemented: ['UNIMPLEMENTED', 'the ZooKeeper server is too old for this'],
  badArguments: ['BAD_ARGUMENTS', 'the request is malformed'],
  noNode: ['NO_NODE', 'the node does not exist'],
  noAuth: ['NO_AUTH', 'the credentials do not permit this'],
  badVersion: ['BAD_VERSION', 'the node has been changed by somebody else'],
  noChildrenForEphemerals: [
    'NO_CHILDREN_FOR_EPHEMERALS',
    'an ephemeral node has no children',
  ],
  nodeExists: ['NODE_EXISTS', 'the node exists already'],
  notEmpty: ['NOT_EMPTY', 'the node has children'],
  sessionExpired: ['SESSION_EXPIRED', 'the session has expired'],
  invalidAcl: ['INVALID_ACL', 'the access control list is invalid'],
  authFailed: ['AUTH_FAILED', 'ZooKeeper refused the credentials'],
  closing: ['CONNECTION_LOSS', 'the connection to ZooKeeper was closed'],
  sessionMoved: ['SESSION_MOVED', 'the session has moved to another server'],
  sessionClosedRequireSaslAuth: [
    'AUTH_FAILED',
    'ZooKeeper demands another proof of who this is',
  ],
  quotaExceeded: [
    'QUOTA_EXCEEDED',
    'a quota of the ZooKeeper servers is used up',
  ],
  throttled: ['THROTTLED', 'the ZooKeeper server has too much to do'],
  // Of the native client: it gives a connection up, and with it whatever waits
  // for an answer, after an error of the system's or an answer out of turn.
  systemError: ['CONNECTION_LOSS', 'the connection to ZooKeeper has failed'],
  runtimeInconsistency: ['CONNECTION_LOSS', OUT_OF_TURN],
  dataInconsistency: ['CONNECTION_LOSS', OUT_OF_TURN],
  invalidState: ['CONNECTION_LOSS', 'there is no connection to ZooKeeper'],
};

const NAMES = new Map<number, string>(
  Object.entries(RESULT_CODES).map(([name, code]) => [code, name]),
);

const CLOSED =
  'closed to clients without credentials; set the option credentials';

/** The typed error for a result code. */
export function errorOfCode(
  code: number,
  request: { readonly operation: string; readonly path: string },
  canProve: boolean,
): ZookeeperError {
  const [name, known] = ERRORS[NAMES.get(code) ?? ''] ?? [
    'UNKNOWN' as const,
    `ZooKeeper answered with code ${code}`,
  ];
  const text = name === 'NO_AUTH' && !canProve ? CLOSED : known;
  return requestError(name, request, text);
}
