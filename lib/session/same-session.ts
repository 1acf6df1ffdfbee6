import type { ZookeeperClient } from '../zookeeper/zookeeper-client.interface.js';
import { ZookeeperError } from '../zookeeper/zookeeper.error.js';

/**
 * To be asked before a node is created whose name belongs to a session: on the
 * session that has come instead, nobody would look for it.
 *
 * @throws {ZookeeperError} `SESSION_EXPIRED` if another session has come
 */
export function checkSameSession(
  client: ZookeeperClient,
  sessionId: string | undefined,
  path: string,
): void {
  if (client.connection.sessionId !== sessionId) {
    throw new ZookeeperError(
      'SESSION_EXPIRED',
      `create ${path}: the session has been replaced`,
      path,
    );
  }
}
