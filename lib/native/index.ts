import type { ZookeeperClientFactory } from '../zookeeper/client-factory.interface.js';
import { KeeperClient } from './keeper-client.js';

export type { ZookeeperClientFactory } from '../zookeeper/client-factory.interface.js';

/**
 * For the option `client`: talks to ZooKeeper by the npm package `zookeeper`, in
 * a process of its own that holds the session. Install that package; it has to
 * be compiled on most machines. Plain connections only: without the options
 * `credentials`, `tls` and `sasl`, and without a guardian, whose work that
 * process does.
 *
 * @example
 * ```ts
 * ZookeeperLeaderModule.forRoot({ client: nativeZookeeper() })
 * ```
 *
 * @publicApi
 */
export function nativeZookeeper(): ZookeeperClientFactory {
  return {
    name: 'nativeZookeeper()',
    create: (settings) => new KeeperClient(settings),
  };
}
