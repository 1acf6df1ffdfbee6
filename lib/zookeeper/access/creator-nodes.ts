import { CREATOR_ALL, OPEN, type Acl } from '../codec/acl.record.js';
import { CREATE_FLAGS } from '../codec/opcodes.js';
import { OPERATIONS } from '../codec/operations.js';
import { ancestorsOf, parentOf, type NodePaths } from '../node-paths.js';
import type { ServerRequest } from '../session/server-connection.js';
import { unlessMissing } from '../unless-missing.js';
import type { ClosedNodes } from '../zookeeper-client.interface.js';
import { ZookeeperError, isZookeeperError } from '../zookeeper.error.js';
import { isOpenToOthers } from './acl-check.js';
import {
  mayNotClose,
  mayNotCreate,
  mayNotEnter,
  wereOpen,
} from './creator-nodes.messages.js';

export interface CreatorNodesOptions {
  readonly paths: NodePaths;
  /** Who the nodes belong to, in words. */
  readonly identity: string;
  readonly request: <Value, Answer>(
    request: ServerRequest<Value, Answer>,
  ) => Promise<Answer>;
  readonly onWarning: (text: string) => void;
}

type Mode = 'persistent' | 'container';

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
    if (found && isOpenToOthers(found.acl)) {
      await this.#restrict(path);
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
    const { base } = this.#options.paths;
    return ancestorsOf(path).filter(
      (ancestor) =>
        ancestor.startsWith(`${base}/`) &&
        !this.#structurePaths.includes(ancestor),
    );
  }

  get #structurePaths(): string[] {
    const { elections, instances, tasks } = this.#options.paths;
    return [elections, instances, tasks];
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
    const { base } = this.#options.paths;
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
      try {
        const before = await this.#closeBase();
        await Promise.all(
          this.#structurePaths.map((path) => this.#close(path, 'persistent')),
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
      try {
        await this.#create(ancestor, OPEN, 'persistent');
      } catch (error) {
        if (isZookeeperError(error, 'NO_AUTH')) {
          await this.#expect(ancestor);
        } else if (!isZookeeperError(error, 'NODE_EXISTS')) {
          throw error;
        }
      }
    }
  }

  /** Refused to create a node: it may be there all the same. */
  async #expect(path: string): Promise<void> {
    try {
      await this.#getAcl(path);
    } catch (error) {
      if (isZookeeperError(error, 'NO_NODE')) {
        throw mayNotCreate(path, parentOf(path), this.#options.identity);
      }
      if (!isZookeeperError(error, 'NO_AUTH')) {
        throw error;
      }
    }
  }

  /**
   * Makes sure that a node exists and that it is closed. Resolves to the
   * transaction that created it.
   */
  async #close(path: string, mode: Mode): Promise<number> {
    let found = await this.#look(path);
    if (!found) {
      try {
        await this.#create(path, CREATOR_ALL, mode);
      } catch (error) {
        if (isZookeeperError(error, 'NO_AUTH')) {
          throw mayNotCreate(path, parentOf(path), this.#options.identity);
        }
        if (!isZookeeperError(error, 'NODE_EXISTS')) {
          throw error;
        }
      }
      found = await this.#look(path);
    }
    if (!found) {
      throw new ZookeeperError('NO_NODE', `"${path}" has vanished`, path);
    }
    if (isOpenToOthers(found.acl)) {
      await this.#restrict(path);
    }
    return found.czxid;
  }

  /** Who may do what with a node; undefined if it does not exist. */
  async #look(path: string): Promise<{ acl: Acl; czxid: number } | undefined> {
    try {
      return await this.#getAcl(path);
    } catch (error) {
      if (isZookeeperError(error, 'NO_NODE')) {
        return undefined;
      }
      throw isZookeeperError(error, 'NO_AUTH')
        ? mayNotEnter(path, this.#options.identity)
        : error;
    }
  }

  async #restrict(path: string): Promise<void> {
    try {
      await this.#options.request({
        operation: 'setAcl',
        path,
        type: OPERATIONS.setAcl,
        value: { path, acl: CREATOR_ALL, version: -1 },
        read: () => undefined,
      });
    } catch (error) {
      throw isZookeeperError(error, 'NO_AUTH')
        ? mayNotClose(path, this.#options.identity)
        : error;
    }
    this.#foundOpen.push(path);
    if (this.#foundOpen.length === 1) {
      // Nodes found together are logged together.
      setImmediate(() => this.#tellOfOpen());
    }
  }

  #tellOfOpen(): void {
    const paths = this.#foundOpen.splice(0);
    this.#options.onWarning(wereOpen(paths, this.#options.identity));
  }

  async #create(path: string, acl: Acl, mode: Mode): Promise<void> {
    await this.#options.request({
      operation: 'create',
      path,
      type:
        mode === 'container' ? OPERATIONS.createContainer : OPERATIONS.create,
      value: { path, data: '', acl, flags: CREATE_FLAGS[mode] },
      read: () => undefined,
    });
  }

  #getAcl(path: string): Promise<{ acl: Acl; czxid: number }> {
    return this.#options.request({
      operation: 'getAcl',
      path,
      type: OPERATIONS.getAcl,
      value: { path },
      read: (body) => {
        const { acl, stat } = OPERATIONS.getAcl.reply.read(body);
        return { acl, czxid: stat.czxid };
      },
    });
  }
}
