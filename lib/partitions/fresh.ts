import { unlessMissing } from '../election/participants.js';
import type {
  NodeWatcher,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';

/** How to read a node, or its children, and to leave a watch there. */
export type WatchedRead<T> = (watcher: NodeWatcher) => Promise<T>;

interface Reading<T> {
  readonly epoch: number;
  readonly watcher: NodeWatcher;
  readonly value: Promise<T | undefined>;
}

/**
 * What has been read of one node, kept until a watch says that it has changed, or
 * another connection comes.
 */
export class Fresh<T> {
  readonly #client: ZookeeperClient;
  readonly #path: string;
  readonly #read: WatchedRead<T>;
  readonly #onChange: () => void;
  #reading: Reading<T> | undefined;

  constructor(
    client: ZookeeperClient,
    path: string,
    read: WatchedRead<T>,
    onChange: () => void,
  ) {
    this.#client = client;
    this.#path = path;
    this.#read = read;
    this.#onChange = onChange;
  }

  /** As it is now; undefined, and not watched, if the node does not exist. */
  get(): Promise<T | undefined> {
    const { epoch } = this.#client.connection;
    if (this.#reading?.epoch !== epoch) {
      this.forget();
      this.#reading = this.#begin(epoch);
    }
    return this.#reading.value;
  }

  /** Ends the watch, and has the next {@link get} read. */
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
    const watcher: NodeWatcher = () => {
      if (end()) {
        this.#onChange();
      }
    };
    const value = unlessMissing(this.#read(watcher));
    const reading: Reading<T> = { epoch, watcher, value };
    // A node that is missing leaves no watch: it is asked for again.
    value.then((found) => found === undefined && end(), end);
    return reading;
  }
}
