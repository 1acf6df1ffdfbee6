import type { Acl } from '../../zookeeper/codec/acl.record.js';
import { EVENT_TYPES } from '../../zookeeper/codec/opcodes.js';
import { parentOf } from './paths.js';
import type { Watcher, WatchNotice } from './watch-table.js';

/** How often a watch fires, and for which nodes. */
export type WatchMode = 'standard' | 'persistent' | 'recursive';

/** The watches of one kind: on the data of nodes, or on their children. */
export class WatchList {
  readonly #byPath = new Map<string, Map<Watcher, Set<WatchMode>>>();
  readonly #hasModes: boolean;

  /** @param hasModes whether one watcher may have several of a path */
  constructor(hasModes: boolean) {
    this.#hasModes = hasModes;
  }

  get size(): number {
    let size = 0;
    for (const watchers of this.#byPath.values()) {
      size += watchers.size;
    }
    return size;
  }

  add(path: string, watcher: Watcher, mode: WatchMode): void {
    const watchers = this.#byPath.get(path) ?? new Map();
    const modes = this.#hasModes ? watchers.get(watcher) : undefined;
    watchers.set(watcher, new Set([...(modes ?? []), mode]));
    this.#byPath.set(path, watchers);
  }

  /** @param mode undefined: any */
  has(path: string, watcher: Watcher, mode?: WatchMode): boolean {
    const modes = this.#byPath.get(path)?.get(watcher);
    return modes !== undefined && (mode === undefined || modes.has(mode));
  }

  /** Whether anybody has a watch of this path. */
  hasAny(path: string): boolean {
    return this.#byPath.has(path);
  }

  /** @param mode undefined: all */
  remove(path: string, watcher: Watcher, mode?: WatchMode): boolean {
    if (!this.has(path, watcher, mode)) {
      return false;
    }
    this.#drop(path, watcher, mode);
    return true;
  }

  forget(watcher: Watcher): void {
    for (const path of [...this.#byPath.keys()]) {
      this.remove(path, watcher);
    }
  }

  /**
   * Tells everybody whose watch this is.
   *
   * @param told has been told already
   * @returns who had a watch
   */
  fire(
    notice: WatchNotice,
    acl: Acl,
    told: ReadonlySet<Watcher> = new Set(),
  ): Set<Watcher> {
    const watchers = new Set<Watcher>();
    for (const [watcher, modes] of this.#byPath.get(notice.path) ?? []) {
      // A recursive watcher gets events for the children themselves.
      const isOnlyRecursive = modes.size === 1 && modes.has('recursive');
      if (
        this.#hasModes ||
        !isOnlyRecursive ||
        notice.type !== EVENT_TYPES.children
      ) {
        watchers.add(watcher);
        this.#drop(notice.path, watcher, 'standard');
      }
    }
    if (notice.type !== EVENT_TYPES.children) {
      for (const watcher of this.#recursiveAbove(notice.path)) {
        watchers.add(watcher);
      }
    }
    for (const watcher of watchers) {
      if (!told.has(watcher)) {
        watcher.notify(notice, acl);
      }
    }
    return watchers;
  }

  *#recursiveAbove(path: string): Iterable<Watcher> {
    for (let above = path; above !== '/' && above !== '';) {
      above = parentOf(above) || '/';
      for (const [watcher, modes] of this.#byPath.get(above) ?? []) {
        if (modes.has('recursive')) {
          yield watcher;
        }
      }
    }
  }

  #drop(path: string, watcher: Watcher, mode?: WatchMode): void {
    const watchers = this.#byPath.get(path);
    const modes = watchers?.get(watcher);
    if (!watchers || !modes) {
      return;
    }
    const left = new Set(modes);
    if (mode === undefined) {
      left.clear();
    } else {
      left.delete(mode);
    }
    if (left.size > 0) {
      watchers.set(watcher, left);
      return;
    }
    watchers.delete(watcher);
    if (watchers.size === 0) {
      this.#byPath.delete(path);
    }
  }
}
