import type {
  NodeEvent,
  NodeWatcher,
} from '../zookeeper/zookeeper-client.interface.js';

/** What a watch was set with; decides which events it is told. */
export type WatchKind = 'data' | 'children';

const KINDS_OF_EVENT: Record<NodeEvent, readonly WatchKind[]> = {
  created: ['data'],
  changed: ['data'],
  children: ['children'],
  // A deleted node triggers the watches of both kinds.
  deleted: ['data', 'children'],
};

/** The watches of one connection: each is called once and forgotten. */
export class WatchTable {
  readonly #watchers = {
    data: new Map<string, Set<NodeWatcher>>(),
    children: new Map<string, Set<NodeWatcher>>(),
  };

  add(kind: WatchKind, path: string, watcher: NodeWatcher): void {
    const byPath = this.#watchers[kind];
    byPath.set(path, (byPath.get(path) ?? new Set()).add(watcher));
  }

  /** Forgets a watcher of either kind. */
  remove(path: string, watcher: NodeWatcher): void {
    for (const byPath of Object.values(this.#watchers)) {
      const watchers = byPath.get(path);
      if (watchers?.delete(watcher) && watchers.size === 0) {
        byPath.delete(path);
      }
    }
  }

  fire(event: NodeEvent, path: string): void {
    const fired = KINDS_OF_EVENT[event].flatMap((kind) => {
      const watchers = this.#watchers[kind].get(path);
      this.#watchers[kind].delete(path);
      return watchers ? [...watchers] : [];
    });
    for (const watcher of fired) {
      watcher(event);
    }
  }

  clear(): void {
    this.#watchers.data.clear();
    this.#watchers.children.clear();
  }
}
