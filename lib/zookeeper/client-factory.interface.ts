import type { ClientNotice } from './connection-log.js';
import type { ServerAddress } from './connection-string.js';
import type { ZookeeperClient } from './zookeeper-client.interface.js';

/** What a client other than the library's own is told. */
export interface ClientSettings {
  readonly servers: readonly ServerAddress[];
  readonly sessionTimeoutMs: number;
  readonly maxStallMs: number;
  readonly onNotice: (notice: ClientNotice) => void;
}

/**
 * Another ZooKeeper client for the option `client`: what `nativeZookeeper()` of
 * `nestjs-zookeeper-leader/native` returns.
 *
 * @publicApi
 */
export interface ZookeeperClientFactory {
  /** Its name, for messages. */
  readonly name: string;
  /** @internal */
  create(settings: ClientSettings): ZookeeperClient;
}
