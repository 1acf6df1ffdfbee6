import type {
  NodeContent,
  NodeEvent,
  NodeWatcher,
} from '../zookeeper/zookeeper-client.interface.js';
import type { ElectionQueue } from './election-queue.js';

interface Reading {
  readonly epoch: number;
  readonly watcher: NodeWatcher;
  readonly content: Promise<NodeContent | undefined>;
}

/** One node, read and watched once per connection, and again after a change. */
export class NodeWatch {
  readonly #queue: ElectionQueue;
  readonly #node: string;
  readonly #onEvent: (event: NodeEvent) => void;
  #reading: Reading | undefined;

  constructor(
    queue: ElectionQueue,
    node: string,
    onEvent: (event: NodeEvent) => void,
  ) {
    this.#queue = queue;
    this.#node = node;
    this.#onEvent = onEvent;
  }

  /**
   * The node as it was read last on this connection; undefined, and not watched,
   * if it does not exist.
   */
  read(epoch: number): Promise<NodeContent | undefined> {
    if (this.#reading?.epoch !== epoch) {
      this.forget();
      this.#reading = this.#watch(epoch);
    }
    return this.#reading.content;
  }

  /** Ends the watch, whether it has been set yet or not. */
  forget(): void {
    const reading = this.#reading;
    this.#reading = undefined;
    if (reading) {
      this.#queue.unwatch(this.#node, reading.watcher);
    }
  }

  #watch(epoch: number): Reading {
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
    const content = this.#queue.watch(this.#node, watcher);
    const reading: Reading = { epoch, watcher, content };
    content.catch(end);
    return reading;
  }
}
