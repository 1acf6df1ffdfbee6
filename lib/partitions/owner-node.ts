import { isOwnedBySession } from '../election/election-node.js';
import { unlessMissing } from '../zookeeper/unless-missing.js';
import type {
  NodeContent,
  NodeEvent,
  NodeWatcher,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import {
  isConnectionError,
  isZookeeperError,
} from '../zookeeper/zookeeper.error.js';
import type { Partition } from './partition.js';

/** What {@link OwnerNode.claim} has found, if it was answered. */
interface Answer {
  readonly content: NodeContent | undefined;
}

/**
 * The node of one partition's owner, as far as this instance knows it. `unknown`:
 * a request to create ours may have got through.
 */
export class OwnerNode {
  state: 'absent' | 'unknown' | 'ours' | 'foreign' = 'absent';
  /** The term has been given up: the node goes when nothing runs any more. */
  drain: { isDone: boolean } | undefined;
  fencingToken = 0;
  /** A node that no session owns is in the way: nobody would ever remove it. */
  isBlocked = false;
  readonly #client: ZookeeperClient;
  readonly #onChange: () => void;
  /** The connection on which the node is watched, or known to be ours. */
  #knownIn: number | undefined;
  #watcher: NodeWatcher | undefined;
  /** What our node says. */
  #data = '';
  #answer: Answer | undefined;

  constructor(
    client: ZookeeperClient,
    readonly partition: Partition,
    onChange: () => void,
  ) {
    this.#client = client;
    this.#onChange = onChange;
  }

  /** Whether there is something to ask, or to create. */
  needsLook(epoch: number, isWanted: boolean): boolean {
    const mayBeOurs = this.state === 'ours' || this.state === 'unknown';
    return (isWanted || mayBeOurs) && this.#knownIn !== epoch;
  }

  isOursIn(epoch: number): boolean {
    return this.state === 'ours' && this.#knownIn === epoch;
  }

  /**
   * Creates the node, unless it may be there, and reads and watches it. Resolves
   * to whether it has been created.
   */
  async claim(data: string): Promise<boolean> {
    const { path } = this.partition;
    const creates = this.state === 'absent';
    const watcher: NodeWatcher = (event) => {
      if (this.#watcher === watcher) {
        this.#changed(event);
      }
    };
    this.#unwatch();
    this.#watcher = watcher;
    this.#answer = undefined;
    if (creates) {
      this.state = 'unknown';
      this.#data = data;
    }
    const [created, read] = await Promise.allSettled([
      creates ? this.#client.create(path, data, 'ephemeral') : undefined,
      unlessMissing(this.#client.get(path, watcher)),
    ]);
    if (created.status === 'rejected') {
      if (isConnectionError(created.reason)) {
        throw created.reason;
      }
      this.state = 'absent';
      if (!isZookeeperError(created.reason, 'NODE_EXISTS')) {
        throw created.reason;
      }
    }
    if (read.status === 'rejected') {
      throw read.reason;
    }
    this.#answer = { content: read.value };
    return creates && created.status === 'fulfilled';
  }

  /** Believes what the last {@link claim} was answered. */
  admit(sessionId: string, epoch: number): void {
    const answer = this.#answer;
    this.#answer = undefined;
    if (!answer) {
      return;
    }
    const { content } = answer;
    if (content?.stat.ephemeralOwner === sessionId) {
      this.state = 'ours';
      this.fencingToken = content.stat.czxid;
      if (content.data !== this.#data) {
        this.#restore(content.stat.version);
      }
    } else {
      this.#gone();
      this.state = content ? 'foreign' : 'absent';
      this.isBlocked = content !== undefined && !isOwnedBySession(content.stat);
    }
    if (content && this.#watcher) {
      this.#knownIn = epoch;
    } else {
      // It has gone meanwhile.
      this.#onChange();
    }
  }

  /**
   * Removes our node, and never the next owner's, which has the same name and may
   * have come just now. A new node has version 0. So ours is written, which says
   * whose it is, and deleted with the version that it has then. If this fails, the
   * node has to be read before it is removed again.
   */
  async remove(): Promise<void> {
    const { path } = this.partition;
    this.#unwatch();
    if (this.state === 'ours') {
      const stat = await unlessMissing(this.#client.set(path, this.#data));
      if (stat?.czxid === this.fencingToken) {
        try {
          await unlessMissing(this.#client.delete(path, stat.version));
        } catch (error) {
          if (!isZookeeperError(error, 'BAD_VERSION')) {
            throw error;
          }
          this.#onChange();
          return;
        }
      }
    }
    this.forget();
  }

  /** Nothing of ours is there. */
  forget(): void {
    this.#unwatch();
    this.state = 'absent';
    this.isBlocked = false;
    this.drain = undefined;
  }

  /** Somebody has written into our node, as {@link remove} may. */
  #restore(version: number): void {
    this.#client
      .set(this.partition.path, this.#data, version)
      // Its owner is known by its session.
      .catch(() => undefined);
  }

  #changed(event: NodeEvent): void {
    this.#watcher = undefined;
    this.#knownIn = undefined;
    if (event === 'deleted') {
      this.#gone();
    }
    this.#onChange();
  }

  #gone(): void {
    this.isBlocked = false;
    if (this.partition.state.isLeading) {
      this.partition.state.follow('node-deleted');
    }
    this.state = 'absent';
  }

  #unwatch(): void {
    if (this.#watcher) {
      this.#client.unwatch(this.partition.path, this.#watcher);
    }
    this.#watcher = undefined;
    this.#knownIn = undefined;
  }
}
