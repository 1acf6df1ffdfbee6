import { CREATOR_ALL, OPEN, type Acl } from '../codec/acl.record.js';
import type { Stat } from '../codec/stat.record.js';
import { ancestorsOf, parentOf } from '../ensure-path.js';
import { unlessMissing, unlessRefused } from '../unless-missing.js';
import type { ClosedNodes } from '../zookeeper-client.interface.js';
import {
  ZookeeperError,
  isZookeeperError,
  type ZookeeperErrorCode,
} from '../zookeeper.error.js';
import { isOpenToOthers } from './acl-check.js';
import {
  mayNotClose,
  mayNotCreate,
  mayNotEnter,
  wereOpen,
} from './creator-nodes.messages.js';

type Mode = 'persistent' | 'container';

/** What is closed to others. */
export interface ClosedPaths {
  readonly base: string;
  /** Directly below it, and always there. */
  readonly structure: readonly string[];
}

export interface CreatorNodesOptions {
  readonly paths: ClosedPaths;
  /** Who the nodes belong to, in words. */
  readonly identity: string;
  readonly create: (path: string, acl: Acl, mode: Mode) => Promise<unknown>;
  readonly getAcl: (path: string) => Promise<{ acl: Acl; stat: Stat }>;
  readonly setAcl: (path: string, acl: Acl) => Promise<void>;
  readonly onWarning: (text: string) => void;
}

/** How often the base path is looked at again when others change it. */
const MOST_ATTEMPTS = 5;

/**
 * Sees to it that the nodes which others could do harm with exist and are closed
 * to them, and closes what earlier versions have left open.
 */
export class CreatorNodes implements ClosedNodes {
  readonly #options: CreatorNodesOptions;
  #structure: Promise<void> | undefined;
  /** Nodes found open and closed since, which are not logged yet. */
  readonly #foundOpen: string[] = [];

  constructor(options: CreatorNodesOptions) {
    this.#options = options;
  }

  async ensure(path: string, mode: Mode): Promise<void> {
    try {
      await this.#closeAll(path, mode);
    } catch (error) {
      if (!isZookeeperError(error, 'NO_NODE')) {
        throw error;
      }
      // The base path has vanished.
      this.#structure = undefined;
      await this.#closeAll(path, mode);
    }
  }

  async adopt(path: string): Promise<void> {
    const found = await this.#look(path);
    if (found) {
      await this.#restrict(path, found.acl);
    }
  }

  /** A path with what lies between it and the base path. */
  async #closeAll(path: string, mode: Mode): Promise<void> {
    await this.#ensureStructure();
    for (const ancestor of this.#ancestors(path)) {
      await this.#close(ancestor, 'persistent');
    }
    await this.#close(path, mode);
  }

  /** Nodes above a path that are not part of the structure, the highest first. */
  #ancestors(path: string): string[] {
    const { base, structure } = this.#options.paths;
    return ancestorsOf(path).filter(
      (ancestor) =>
        ancestor.startsWith(`${base}/`) && !structure.includes(ancestor),
    );
  }

  #ensureStructure(): Promise<void> {
    const structure = (this.#structure ??= this.#buildStructure());
    structure.catch(() => {
      if (this.#structure === structure) {
        this.#structure = undefined;
      }
    });
    return structure;
  }

  /**
   * The base path and what lies directly below it. The parent of the base path
   * is not ours: a client that may delete there can replace a base path without
   * children by another. So check that it is the same node before and after its
   * children are created. From then on nobody else can remove any of them.
   */
  async #buildStructure(): Promise<void> {
    const { base, structure } = this.#options.paths;
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
      try {
        const before = await this.#closeBase();
        await Promise.all(
          structure.map((path) => this.#close(path, 'persistent')),
        );
        if ((await this.#close(base, 'persistent')) === before) {
          return;
        }
      } catch (error) {
        if (!isZookeeperError(error, 'NO_NODE') || attempt === MOST_ATTEMPTS) {
          throw error;
        }
      }
    }
    throw new ZookeeperError(
      'NO_NODE',
      `somebody removes "${base}" again and again`,
      base,
    );
  }

  async #closeBase(): Promise<number> {
    const { base } = this.#options.paths;
    const found = await unlessMissing(this.#close(base, 'persistent'));
    if (found !== undefined) {
      return found;
    }
    await this.#createAncestors(base);
    return this.#close(base, 'persistent');
  }

  /** What lies above the base path belongs to others as well, and stays open. */
  async #createAncestors(path: string): Promise<void> {
    for (const ancestor of ancestorsOf(path)) {
      await this.#create(ancestor, OPEN, 'persistent');
    }
  }

  /**
   * Makes sure that a node exists and that it is closed. Resolves to the
   * transaction that created it.
   */
  async #close(path: string, mode: Mode): Promise<number> {
    let found = await this.#look(path);
    if (!found) {
      await this.#create(path, CREATOR_ALL, mode);
      found = await this.#look(path);
    }
    if (!found) {
      throw new ZookeeperError('NO_NODE', `"${path}" has vanished`, path);
    }
    await this.#restrict(path, found.acl);
    return found.stat.czxid;
  }

  /** Creates a node if it is missing. */
  async #create(path: string, acl: Acl, mode: Mode): Promise<void> {
    const { create, getAcl, identity } = this.#options;
    try {
      await unlessRefused(create(path, acl, mode), 'NODE_EXISTS');
    } catch (error) {
      if (!isZookeeperError(error, 'NO_AUTH')) {
        throw error;
      }
      // It may be there all the same, and even its ACL may be hidden.
      await explained(unlessRefused(getAcl(path), 'NO_AUTH'), 'NO_NODE', () =>
        mayNotCreate(path, parentOf(path), identity),
      );
    }
  }

  /** Who may do what with a node; undefined if it does not exist. */
  #look(path: string): Promise<{ acl: Acl; stat: Stat } | undefined> {
    const { getAcl, identity } = this.#options;
    return unlessMissing(
      explained(getAcl(path), 'NO_AUTH', () => mayNotEnter(path, identity)),
    );
  }

  /** Closes a node if it is open. */
  async #restrict(path: string, acl: Acl): Promise<void> {
    if (!isOpenToOthers(acl)) {
      return;
    }
    const { setAcl, identity } = this.#options;
    await explained(setAcl(path, CREATOR_ALL), 'NO_AUTH', () =>
      mayNotClose(path, identity),
    );
    this.#foundOpen.push(path);
    if (this.#foundOpen.length === 1) {
      // Nodes found together are logged together.
      setImmediate(() => this.#tellOfOpen());
    }
  }

  #tellOfOpen(): void {
    const { onWarning, identity } = this.#options;
    onWarning(wereOpen(this.#foundOpen.splice(0), identity));
  }
}

/** The result. A refusal with this code becomes an error that says what to do. */
async function explained<T>(
  request: Promise<T>,
  code: ZookeeperErrorCode,
  explain: () => ZookeeperError,
): Promise<T> {
  try {
    return await request;
  } catch (error) {
    throw isZookeeperError(error, code) ? explain() : error;
  }
}
