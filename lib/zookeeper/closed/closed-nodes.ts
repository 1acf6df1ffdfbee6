import type { DigestCredentials } from '../digest-credentials.js';
import { NodePaths, parentOf } from '../node-paths.js';
import type { SealedNodes } from '../zookeeper-client.interface.js';
import { ZookeeperError, isZookeeperError } from '../zookeeper.error.js';
import {
  CREATOR_ALL,
  OPEN,
  isOpenToOthers,
  readAcl,
  writeAcl,
  type AclEntry,
} from './acl.js';
import {
  mayNotClose,
  mayNotCreate,
  mayNotEnter,
  wasOpen,
} from './closed-nodes.messages.js';
import { JuteWriter } from './jute.js';
import { SharedSession } from './shared-session.js';
import type { WireSession } from './wire-session.js';

export interface ClosedNodesOptions {
  readonly paths: NodePaths;
  readonly credentials: DigestCredentials;
  /** The server that the instance's own session is connected to. */
  readonly server: () => { host: string; port: number } | undefined;
  /** Closes a node over the instance's own session, whose it is. */
  readonly seal: (path: string) => Promise<void>;
  readonly onWarning: (text: string) => void;
}

/** How often the base path is looked at again when others change it. */
const MOST_ATTEMPTS = 5;

/**
 * Creates the nodes that others could do harm with, closed from the transaction
 * on that creates them: the native client can only create open ones. Over
 * sessions of its own, that last for moments (docs/security.md).
 */
export class WireClosedNodes implements SealedNodes {
  readonly #options: ClosedNodesOptions;
  readonly #session: SharedSession;
  #structure: Promise<void> | undefined;

  constructor(options: ClosedNodesOptions) {
    this.#options = options;
    this.#session = new SharedSession(
      options.server,
      options.credentials.reveal(),
    );
  }

  async ensure(path: string, mode: 'persistent' | 'container'): Promise<void> {
    await this.#inStructure(() =>
      this.#session.use(async (session) => {
        await this.#close(session, path, mode);
      }),
    );
  }

  async create(path: string, data: string): Promise<void> {
    await this.#inStructure(() =>
      this.#session.use((session) =>
        create(session, path, data, CREATOR_ALL, 'persistent'),
      ),
    );
  }

  async adopt(path: string): Promise<void> {
    await this.#session.use(async (session) => {
      const found = await this.#look(session, path);
      if (found && isOpenToOthers(found.acl)) {
        await this.#shut(session, path);
      }
    });
  }

  seal(path: string): Promise<void> {
    return this.#options.seal(path);
  }

  /** Ends what goes on. */
  close(): void {
    this.#session.close();
  }

  /** Does something below the base path; again if that has vanished. */
  async #inStructure(act: () => Promise<void>): Promise<void> {
    await this.#ensureStructure();
    try {
      await act();
    } catch (error) {
      if (!isZookeeperError(error, 'NO_NODE')) {
        throw error;
      }
      this.#structure = undefined;
      await this.#ensureStructure();
      await act();
    }
  }

  #ensureStructure(): Promise<void> {
    const structure = (this.#structure ??= this.#session.use((session) =>
      this.#buildStructure(session),
    ));
    structure.catch(() => {
      if (this.#structure === structure) {
        this.#structure = undefined;
      }
    });
    return structure;
  }

  /**
   * The base path and what lies directly below it. The parent of the base path
   * is not ours: whoever may delete there can replace a base path without
   * children by another, so it has to be the same node before and after it has
   * got some. From then on nobody else can remove any of them.
   */
  async #buildStructure(session: WireSession): Promise<void> {
    const { base, elections, instances, tasks } = this.#options.paths;
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
      try {
        const before = await this.#closeBase(session);
        await Promise.all(
          [elections, instances, tasks].map((path) =>
            this.#close(session, path, 'persistent'),
          ),
        );
        if ((await this.#close(session, base, 'persistent')) === before) {
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

  async #closeBase(session: WireSession): Promise<number> {
    const { base } = this.#options.paths;
    try {
      return await this.#close(session, base, 'persistent');
    } catch (error) {
      if (!isZookeeperError(error, 'NO_NODE')) {
        throw error;
      }
      await this.#createAncestors(session, base);
      return this.#close(session, base, 'persistent');
    }
  }

  /** What lies above the base path belongs to others as well, and stays open. */
  async #createAncestors(session: WireSession, path: string): Promise<void> {
    const segments = path.split('/').slice(1, -1);
    for (const index of segments.keys()) {
      const ancestor = `/${segments.slice(0, index + 1).join('/')}`;
      try {
        await create(session, ancestor, '', OPEN, 'persistent');
      } catch (error) {
        if (isZookeeperError(error, 'NO_AUTH')) {
          await this.#expect(session, ancestor);
        } else if (!isZookeeperError(error, 'NODE_EXISTS')) {
          throw error;
        }
      }
    }
  }

  /** Refused to create a node: it may be there all the same. */
  async #expect(session: WireSession, path: string): Promise<void> {
    try {
      await session.request('getACL', path, new JuteWriter().string(path));
    } catch (error) {
      if (isZookeeperError(error, 'NO_NODE')) {
        throw mayNotCreate(path, parentOf(path), this.#username);
      }
    }
  }

  /**
   * Makes sure that a node exists and that it is closed. Resolves to the
   * transaction that created it.
   */
  async #close(
    session: WireSession,
    path: string,
    mode: 'persistent' | 'container',
  ): Promise<number> {
    let found = await this.#look(session, path);
    if (!found) {
      try {
        await create(session, path, '', CREATOR_ALL, mode);
      } catch (error) {
        if (isZookeeperError(error, 'NO_AUTH')) {
          throw mayNotCreate(path, parentOf(path), this.#username);
        }
        if (!isZookeeperError(error, 'NODE_EXISTS')) {
          throw error;
        }
      }
      found = await this.#look(session, path);
    }
    if (!found) {
      throw new ZookeeperError('NO_NODE', `"${path}" has vanished`, path);
    }
    if (isOpenToOthers(found.acl)) {
      await this.#shut(session, path);
    }
    return found.czxid;
  }

  /** Who may do what with a node; undefined if it does not exist. */
  async #look(
    session: WireSession,
    path: string,
  ): Promise<{ acl: AclEntry[]; czxid: number } | undefined> {
    try {
      const body = new JuteWriter().string(path);
      const reply = await session.request('getACL', path, body);
      return { acl: readAcl(reply), czxid: reply.long() };
    } catch (error) {
      if (isZookeeperError(error, 'NO_NODE')) {
        return undefined;
      }
      throw isZookeeperError(error, 'NO_AUTH')
        ? mayNotEnter(path, this.#username)
        : error;
    }
  }

  async #shut(session: WireSession, path: string): Promise<void> {
    const body = writeAcl(new JuteWriter().string(path), CREATOR_ALL).int(-1);
    try {
      await session.request('setACL', path, body);
    } catch (error) {
      throw isZookeeperError(error, 'NO_AUTH')
        ? mayNotClose(path, this.#username)
        : error;
    }
    this.#options.onWarning(wasOpen(path, this.#username));
  }

  get #username(): string {
    return this.#options.credentials.username;
  }
}

const MODES = {
  persistent: { operation: 'create', flags: 0 },
  container: { operation: 'createContainer', flags: 4 },
} as const;

async function create(
  session: WireSession,
  path: string,
  data: string,
  acl: readonly AclEntry[],
  mode: 'persistent' | 'container',
): Promise<void> {
  const { operation, flags } = MODES[mode];
  const body = new JuteWriter().string(path).string(data);
  await session.request(operation, path, writeAcl(body, acl).int(flags));
}
