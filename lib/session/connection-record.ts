import type {
  Connection,
  ConnectionState,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import type { ZookeeperError } from '../zookeeper/zookeeper.error.js';

/** Remembers since when a connection is what it is. */
export class ConnectionRecord {
  #connection: Connection | undefined;
  #since: Date | undefined;
  #connectedUntil: Date | undefined;
  /** When there was a connection last, or this record began. */
  #connectedAtMs = performance.now();

  /** @param client undefined without ZooKeeper: nothing is ever recorded */
  constructor(client: Pick<ZookeeperClient, 'connection$'> | undefined) {
    client?.connection$.subscribe((connection) => {
      if (this.#connection?.state === 'connected') {
        this.#connectedAtMs = performance.now();
        this.#connectedUntil = new Date();
      }
      if (this.#connection?.state !== connection.state) {
        this.#since = new Date();
      }
      this.#connection = connection;
    });
  }

  get state(): ConnectionState | undefined {
    return this.#connection?.state;
  }

  /** Since when the connection is in its state. */
  get since(): Date | undefined {
    return this.#since;
  }

  /** When a connection ended last; undefined if there has been none. */
  get connectedUntil(): Date | undefined {
    return this.#connectedUntil;
  }

  /** Why there is no connection, where a reason is known. */
  get problem(): ZookeeperError | undefined {
    return this.#connection?.problem;
  }

  /** Milliseconds since there was a connection last; 0 while there is one. */
  get disconnectedMs(): number {
    const isConnected =
      this.#connection === undefined || this.#connection.state === 'connected';
    return isConnected ? 0 : performance.now() - this.#connectedAtMs;
  }
}
