import type {
  ChildList,
  NodeContent,
  NodeEvent,
  NodeWatcher,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import { unlessMissing } from '../zookeeper/unless-missing.js';

interface Reading<T> {
  readonly epoch: number;
  readonly watcher: NodeWatcher;
  readonly value: Promise<T | undefined>;
}

/**
 * What has been read of one node: read and watched once per connection, and again
 * after a change.
 */
export class NodeReading<T> {
  /** The data of a node. */
  static content(
    client: ZookeeperClient,
    path: string,
    onEvent: (event: NodeEvent) => void,
  ): NodeReading<NodeContent> {
    return new NodeReading(
      client,
      path,
      (watcher) => client.get(path, watcher),
      onEvent,
    );
  }

  /** The names of a node's children. */
  static children(
    client: ZookeeperClient,
    path: string,
    onEvent: (event: NodeEvent) => void,
  ): NodeReading<ChildList> {
    return new NodeReading(
      client,
      path,
      (watcher) => client.getChildren(path, watcher),
      onEvent,
    );
  }

  readonly #client: ZookeeperClient;
  readonly #path: string;
  readonly #request: (watcher: NodeWatcher) => Promise<T>;
  readonly #onEvent: (event: NodeEvent) => void;
  #reading: Reading<T> | undefined;

  private constructor(
    client: ZookeeperClient,
    path: string,
    request: (watcher: NodeWatcher) => Promise<T>,
    onEvent: (event: NodeEvent) => void,
  ) {
    this.#client = client;
    this.#path = path;
    this.#request = request;
    this.#onEvent = onEvent;
  }

  /**
   * As it was read last on this connection; undefined, and not watched, if the node
   * does not exist.
   */
  read(epoch = this.#client.connection.epoch): Promise<T | undefined> {
    if (this.#reading?.epoch !== epoch) {
      this.forget();
      this.#reading = this.#begin(epoch);
    }
    return this.#reading.value;
  }

  /** Ends the watch, whether it has been set yet or not; the next read asks. */
  forget(): void {
    const reading = this.#reading;
    this.#reading = undefined;
    if (reading) {
      this.#client.unwatch(this.#path, reading.watcher);
    }
  }

  #begin(epoch: number): Reading<T> {
    const end = (): boolean => {
      const isCurrent = this.#reading === reading;
      if (isCurrent) {
        this.#reading = undefined;
      }
      return isCurrent;
    };
    const watcher: NodeWatcher = (event) => {
      if (end()) {
        this.#onEvent(event);
      }
    };
    const value = unlessMissing(this.#request(watcher));
    const reading: Reading<T> = { epoch, watcher, value };
    // A node that is missing leaves no watch: it is asked for again.
    value.then((found) => found === undefined && end(), end);
    return reading;
  }
}
