import { ZookeeperError, type ZookeeperErrorCode } from './zookeeper.error.js';

/** ZooKeeper's return codes (`zookeeper.h`, enum ZOO_ERRORS). */
const CODES = new Map<number, [code: ZookeeperErrorCode, text: string]>([
  // With the next three the native client gives a connection up, and with it
  // whatever waits for an answer: after an error of the system's, or an answer
  // that is not of the request whose turn it is.
  [-1, ['CONNECTION_LOSS', 'the connection to ZooKeeper has failed']],
  [-2, ['CONNECTION_LOSS', 'ZooKeeper answered out of turn']],
  [-3, ['CONNECTION_LOSS', 'ZooKeeper answered out of turn']],
  [-4, ['CONNECTION_LOSS', 'the connection to ZooKeeper was lost']],
  [-7, ['TIMEOUT', 'ZooKeeper did not answer in time']],
  [-8, ['BAD_ARGUMENTS', 'the request is malformed']],
  [-9, ['CONNECTION_LOSS', 'there is no connection to ZooKeeper']],
  [-101, ['NO_NODE', 'the node does not exist']],
  [-102, ['NO_AUTH', 'the credentials do not permit this']],
  [-103, ['BAD_VERSION', 'the node has been changed by somebody else']],
  [-108, ['NO_CHILDREN_FOR_EPHEMERALS', 'an ephemeral node has no children']],
  [-110, ['NODE_EXISTS', 'the node exists already']],
  [-111, ['NOT_EMPTY', 'the node has children']],
  [-112, ['SESSION_EXPIRED', 'the session has expired']],
  [-114, ['INVALID_ACL', 'the access control list is invalid']],
  [-115, ['AUTH_FAILED', 'ZooKeeper refused the credentials']],
  [-116, ['CONNECTION_LOSS', 'the connection to ZooKeeper was closed']],
  [-118, ['SESSION_MOVED', 'the session has moved to another server']],
]);

const CODE_NO_AUTH = -102;

/** The typed error for a return code of the native client. */
export function errorOfCode(
  code: number,
  operation: string,
  path: string,
  hasCredentials = true,
): ZookeeperError {
  if (code === CODE_NO_AUTH && !hasCredentials) {
    return new ZookeeperError(
      'NO_AUTH',
      `${operation} ${path}: closed to clients without credentials; set the ` +
        'option credentials',
      path,
    );
  }
  const [name, text] = CODES.get(code) ?? [
    'UNKNOWN' as const,
    `ZooKeeper answered with code ${code}`,
  ];
  return new ZookeeperError(name, `${operation} ${path}: ${text}`, path);
}
