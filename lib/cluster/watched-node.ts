import { unlessMissing } from '../zookeeper/unless-missing.js';
import type {
  NodeContent,
  NodeWatcher,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';

/**
 * What of a node is kept:
 * - `children`: the names of its children, watched;
 * - `content`: its data, watched;
 * - `fixed`: its data, read once.
 */
export type NodeAspect = 'children' | 'content' | 'fixed';

/** One aspect of a znode, kept until its watch says that it has changed. */
export class WatchedNode {
  readonly path: string;
  readonly aspect: NodeAspect;
  /** The smaller, the sooner it is read. */
  readonly priority: number;
  /** Empty while nothing is known, or if the node does not exist. */
  children: readonly string[] = [];
  content: NodeContent | undefined;
  /** Why it could not be read. */
  problem: string | undefined;
  /** Whether what is kept may be outdated. */
  isStale = true;
  /** Whether it has been read at all. */
  isKnown = false;
  /** False while the node does not exist: then nothing watches it. */
  isWatched = false;

  #watcher: NodeWatcher | undefined;

  constructor(path: string, aspect: NodeAspect, priority: number) {
    this.path = path;
    this.aspect = aspect;
    this.priority = priority;
  }

  /** Reads it again; `onChange` is called when it has become outdated. */
  async read(client: ZookeeperClient, onChange: () => void): Promise<void> {
    this.forget(client);
    this.isStale = false;
    this.isWatched = false;
    const watcher: NodeWatcher = () => {
      this.#watcher = undefined;
      this.isStale = true;
      onChange();
    };
    if (this.aspect !== 'fixed') {
      this.#watcher = watcher;
    }
    if (this.aspect === 'children') {
      const listed = await unlessMissing(
        client.getChildren(this.path, watcher),
      );
      this.children = listed?.children ?? [];
      this.isWatched = listed !== undefined;
    } else {
      this.content = await unlessMissing(
        client.get(this.path, this.aspect === 'content' ? watcher : undefined),
      );
      this.isWatched = this.content !== undefined;
    }
    this.problem = undefined;
    this.isKnown = true;
  }

  /** Ends its watch. */
  forget(client: ZookeeperClient): void {
    if (this.#watcher) {
      client.unwatch(this.path, this.#watcher);
      this.#watcher = undefined;
    }
  }
}
