import type { Acl } from '../../zookeeper/codec/acl.record.js';
import { EVENT_TYPES, WATCHER_TYPES } from '../../zookeeper/codec/opcodes.js';
import { RESULT_CODES } from '../../zookeeper/codec/result-codes.js';
import type { DataTree } from './data-tree.js';
import { parentOf } from './paths.js';
import { Refusal } from './refusal.js';
import type { ReleaseTraits } from './release.js';
import type { SetWatchesRequest } from './server.records.js';
import { WatchList, type WatchMode } from './watch-list.js';

/** What a connection is told. */
export interface WatchNotice {
  readonly type: number;
  readonly path: string;
  /** The transaction that caused it; -1 if it is from before the watch. */
  readonly zxid: number;
}

/** A connection, as far as watches know it. They end with it. */
export interface Watcher {
  /** @param acl of the node; undefined if everybody may be told */
  notify(notice: WatchNotice, acl?: Acl): void;
}

/** Also those that need `setWatches2`. */
export interface SetAllWatches extends SetWatchesRequest {
  readonly persistent: readonly string[];
  readonly recursive: readonly string[];
}

const PERSISTENT_WATCHER = 4;
const RECURSIVE_WATCHER = 5;

/** The watches of all connections. */
export class WatchTable {
  readonly #data: WatchList;
  readonly #children: WatchList;
  readonly #hasModes: boolean;
  readonly #setNeedsRead: boolean;

  constructor({ hasWatchModes, setWatchesNeedsRead }: ReleaseTraits) {
    this.#hasModes = hasWatchModes;
    this.#setNeedsRead = setWatchesNeedsRead;
    this.#data = new WatchList(hasWatchModes);
    this.#children = new WatchList(hasWatchModes);
  }

  get size(): number {
    return this.#data.size + this.#children.size;
  }

  watchData(path: string, watcher: Watcher): void {
    this.#data.add(path, watcher, 'standard');
  }

  watchChildren(path: string, watcher: Watcher): void {
    this.#children.add(path, watcher, 'standard');
  }

  /** @param isRecursive whether it is a watch on all below, too */
  watchForGood(path: string, watcher: Watcher, isRecursive: boolean): void {
    const mode: WatchMode = isRecursive ? 'recursive' : 'persistent';
    this.#data.add(path, watcher, mode);
    if (!isRecursive || !this.#hasModes) {
      this.#children.add(path, watcher, mode);
    }
  }

  /** Fires at once for what has happened since; watches the rest. */
  setAll(request: SetAllWatches, tree: DataTree, watcher: Watcher): void {
    const { relativeZxid } = request;
    const notify = (type: number, path: string): void => {
      const acl = this.#setNeedsRead ? tree.get(path)?.acl : undefined;
      watcher.notify({ type, path, zxid: -1 }, acl);
    };
    for (const path of request.data) {
      const node = tree.get(path);
      if (!node) {
        notify(EVENT_TYPES.deleted, path);
      } else if (node.mzxid > relativeZxid) {
        notify(EVENT_TYPES.changed, path);
      } else {
        this.watchData(path, watcher);
      }
    }
    for (const path of request.exist) {
      if (tree.get(path)) {
        notify(EVENT_TYPES.created, path);
      } else {
        this.watchData(path, watcher);
      }
    }
    for (const path of request.children) {
      const node = tree.get(path);
      if (!node) {
        notify(EVENT_TYPES.deleted, path);
      } else if (node.pzxid > relativeZxid) {
        notify(EVENT_TYPES.children, path);
      } else {
        this.watchChildren(path, watcher);
      }
    }
    for (const path of request.persistent) {
      this.watchForGood(path, watcher, false);
    }
    for (const path of request.recursive) {
      this.watchForGood(path, watcher, true);
    }
  }

  created(path: string, zxid: number, acl: Acl, parentAcl: Acl): void {
    this.#data.fire({ type: EVENT_TYPES.created, path, zxid }, acl);
    this.#childrenChanged(path, zxid, parentAcl);
  }

  deleted(path: string, zxid: number, acl: Acl, parentAcl: Acl): void {
    const notice = { type: EVENT_TYPES.deleted, path, zxid };
    const told = this.#data.fire(notice, acl);
    this.#children.fire(notice, acl, told);
    this.#childrenChanged(path, zxid, parentAcl);
  }

  changed(path: string, zxid: number, acl: Acl): void {
    this.#data.fire({ type: EVENT_TYPES.changed, path, zxid }, acl);
  }

  /**
   * @param type see {@link WATCHER_TYPES}
   * @throws {Refusal} if the connection has no such watch
   */
  remove(path: string, type: number, watcher: Watcher): void {
    const isRemoved = this.#listsOf(type).map(([list, mode]) =>
      list.remove(path, watcher, mode),
    );
    if (!isRemoved.includes(true)) {
      throw new Refusal(RESULT_CODES.noWatcher);
    }
  }

  /** @throws {Refusal} if the connection has no such watch */
  check(path: string, type: number, watcher: Watcher): void {
    const isFound = this.#listsOf(type).some(([list, mode]) =>
      // Where there are no modes, a server asks whether anybody has one.
      this.#hasModes ? list.has(path, watcher, mode) : list.hasAny(path),
    );
    if (!isFound) {
      throw new Refusal(RESULT_CODES.noWatcher);
    }
  }

  /** The connection has ended. */
  forget(watcher: Watcher): void {
    this.#data.forget(watcher);
    this.#children.forget(watcher);
  }

  #childrenChanged(path: string, zxid: number, parentAcl: Acl): void {
    const parent = parentOf(path) || '/';
    const notice = { type: EVENT_TYPES.children, path: parent, zxid };
    this.#children.fire(notice, parentAcl);
  }

  #listsOf(type: number): [list: WatchList, mode?: WatchMode][] {
    const standard: WatchMode | undefined = this.#hasModes
      ? 'standard'
      : undefined;
    switch (type) {
      case WATCHER_TYPES.children:
        return [[this.#children, standard]];
      case WATCHER_TYPES.data:
        return [[this.#data, standard]];
      case WATCHER_TYPES.any:
        return [[this.#children], [this.#data]];
      case PERSISTENT_WATCHER:
        if (this.#hasModes) {
          return [
            [this.#children, 'persistent'],
            [this.#data, 'persistent'],
          ];
        }
        break;
      case RECURSIVE_WATCHER:
        if (this.#hasModes) {
          return [[this.#data, 'recursive']];
        }
    }
    throw new Refusal(RESULT_CODES.marshallingError);
  }
}
