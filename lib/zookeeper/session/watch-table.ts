import type { NodeEvent, NodeWatcher } from '../zookeeper-client.interface.js';

/** What a watch was set with; decides which events it is told. */
export type WatchKind = 'data' | 'children';

const KINDS_OF_EVENT: Record<NodeEvent, readonly WatchKind[]> = {
  created: ['data'],
  changed: ['data'],
  children: ['children'],
  // A deleted node triggers the watches of both kinds.
  deleted: ['data', 'children'],
};

/** A read that will set a watch and has not been answered. */
export interface AwaitedWatch {
  readonly kind: WatchKind;
  readonly path: string;
  /** Undefined when nobody wants it any more. */
  watcher: NodeWatcher | undefined;
}

/**
 * The watches of one kind on one path; for the server they are a single one. Few, in
 * arrays without room for more (which a spread has): that takes more memory than all else.
 */
interface Watch {
  watchers: readonly NodeWatcher[];
  awaited: readonly AwaitedWatch[];
}

/** The watches of one connection: each is called once and forgotten. */
export class WatchTable {
  readonly #watches = {
    data: new Map<string, Watch>(),
    children: new Map<string, Watch>(),
  };

  /** A read that sets a watch is on its way. */
  expect(kind: WatchKind, path: string, watcher: NodeWatcher): AwaitedWatch {
    const byPath = this.#watches[kind];
    let watch = byPath.get(path);
    if (!watch) {
      watch = { watchers: [], awaited: [] };
      byPath.set(path, watch);
    }
    const awaited = { kind, path, watcher };
    watch.awaited = watch.awaited.concat(awaited);
    return awaited;
  }

  /**
   * The read has been answered; `isSet`: the server has set the watch. Returns
   * whether it has one now that nobody wants.
   */
  settle(awaited: AwaitedWatch, isSet: boolean): boolean {
    const { kind, path, watcher } = awaited;
    const watch = this.#watches[kind].get(path);
    if (!watch) {
      return false;
    }
    watch.awaited = watch.awaited.filter((other) => other !== awaited);
    if (isSet && watcher && !watch.watchers.includes(watcher)) {
      watch.watchers = watch.watchers.concat(watcher);
    }
    return this.#tidy(kind, path, watch) && isSet;
  }

  /** Takes a watcher out. Returns the kinds that nobody wants any more. */
  forget(path: string, watcher: NodeWatcher): WatchKind[] {
    return (['data', 'children'] as const).filter((kind) => {
      const watch = this.#watches[kind].get(path);
      for (const awaited of watch?.awaited ?? []) {
        if (awaited.watcher === watcher) {
          awaited.watcher = undefined;
        }
      }
      if (!watch?.watchers.includes(watcher)) {
        return false;
      }
      watch.watchers = watch.watchers.filter((other) => other !== watcher);
      return this.#tidy(kind, path, watch);
    });
  }

  /** Takes out the watchers that an event is for. */
  take(event: NodeEvent, path: string): readonly NodeWatcher[] {
    return KINDS_OF_EVENT[event].flatMap((kind) => {
      const watch = this.#watches[kind].get(path);
      if (!watch) {
        return [];
      }
      const { watchers } = watch;
      watch.watchers = [];
      this.#tidy(kind, path, watch);
      return watchers;
    });
  }

  #tidy(kind: WatchKind, path: string, watch: Watch): boolean {
    return (
      watch.awaited.length === 0 &&
      watch.watchers.length === 0 &&
      this.#watches[kind].delete(path)
    );
  }
}
