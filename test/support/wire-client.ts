import { performance } from 'node:perf_hooks';
import { JuteWriter } from './jute.js';
import { XID_AUTH } from './protocol.js';
import { secureConnections } from './secure-connections.js';
import { unless, WireError } from './wire-error.js';
import {
  type Acl,
  OPEN_ACL,
  readAcl,
  readStat,
  type Stat,
  writeAcl,
} from './wire-records.js';
import { WireSession, type WireSessionOptions } from './wire-session.js';

export interface CreateOptions {
  data?: string | Buffer;
  ephemeral?: boolean;
  sequential?: boolean;
  container?: boolean;
  acl?: Acl[];
}

export interface TreeNode {
  path: string;
  data: Buffer;
  stat: Stat;
}

const EXPIRY_TIMEOUT_MS = 10_000;

/**
 * A small ZooKeeper client of the tests' own. With it, tests look at what the
 * library did, and meddle with it, independently of the library and its client.
 * One connection: it never reconnects.
 */
export class WireClient {
  /** Rejects with SESSION_EXPIRED when there is no such session to take over. */
  static async connect(options: WireSessionOptions): Promise<WireClient> {
    const client = new WireClient(await WireSession.open(options));
    if (secureConnections) {
      await client.addAuth('digest', secureConnections.superuser);
    }
    return client;
  }

  /**
   * Ends somebody else's session as the server would at its timeout. Its client
   * may be faster, and take it back before it ends: this is done again until the
   * server does not know the session any more.
   */
  static async expire(
    options: Required<
      Pick<WireSessionOptions, 'port' | 'sessionId' | 'password'>
    >,
  ): Promise<void> {
    const deadlineMs = performance.now() + EXPIRY_TIMEOUT_MS;
    while (performance.now() < deadlineMs) {
      try {
        const client = await WireClient.connect(options);
        await client.close();
      } catch (error) {
        if (error instanceof WireError && error.code === 'SESSION_EXPIRED') {
          return;
        }
        unless('CONNECTION_LOSS')(error);
      }
    }
    throw new WireError('OPERATION_TIMEOUT', `end ${options.sessionId}`);
  }

  private constructor(private readonly session: WireSession) {}

  /** In hexadecimal, as in `ephemeralOwner`. */
  get sessionId(): string {
    return this.session.id;
  }

  get password(): Buffer {
    return this.session.password;
  }

  /** The session timeout as granted by the server. */
  get timeoutMs(): number {
    return this.session.timeoutMs;
  }

  async getChildren(path: string): Promise<string[]> {
    const body = new JuteWriter().string(path).bool(false);
    const reply = await this.session.request('getChildren', body, path);
    return reply.vector(() => reply.string()).toSorted();
  }

  async getData(path: string): Promise<{ data: Buffer; stat: Stat }> {
    const body = new JuteWriter().string(path).bool(false);
    const reply = await this.session.request('getData', body, path);
    return { data: reply.buffer(), stat: readStat(reply) };
  }

  async exists(path: string): Promise<Stat | undefined> {
    const body = new JuteWriter().string(path).bool(false);
    const reply = await this.session
      .request('exists', body, path)
      .catch(unlessNoNode);
    return reply && readStat(reply);
  }

  /** Returns the path, which the server has completed if it is sequential. */
  async create(path: string, options: CreateOptions = {}): Promise<string> {
    const { ephemeral, sequential, container, acl = OPEN_ACL } = options;
    const flags = container ? 4 : (ephemeral ? 1 : 0) + (sequential ? 2 : 0);
    const body = new JuteWriter()
      .string(path)
      .buffer(Buffer.from(options.data ?? ''));
    writeAcl(body, acl).int(flags);
    const opcode = container ? 'createContainer' : 'create';
    return (await this.session.request(opcode, body, path)).string();
  }

  /** Creates the missing nodes from the root down to the path. */
  async createAll(path: string): Promise<void> {
    const names = path.split('/').slice(1);
    for (let depth = 1; depth <= names.length; depth++) {
      const parent = `/${names.slice(0, depth).join('/')}`;
      await this.create(parent).catch(unless('NODE_EXISTS'));
    }
  }

  async setData(
    path: string,
    data: string | Buffer,
    version = -1,
  ): Promise<Stat> {
    const body = new JuteWriter()
      .string(path)
      .buffer(Buffer.from(data))
      .int(version);
    return readStat(await this.session.request('setData', body, path));
  }

  async delete(path: string, version = -1): Promise<void> {
    const body = new JuteWriter().string(path).int(version);
    await this.session.request('delete', body, path);
  }

  /** Deletes a node with all below it; nothing happens if it does not exist. */
  async deleteRecursive(path: string): Promise<void> {
    const children = await this.getChildren(path).catch(unlessNoNode);
    for (const name of children ?? []) {
      await this.deleteRecursive(join(path, name));
    }
    await this.delete(path).catch(unlessNoNode);
  }

  /** All nodes at and below a path, sorted by path; empty if there is none. */
  async tree(path: string): Promise<TreeNode[]> {
    const node = await this.getData(path).catch(unlessNoNode);
    const children = await this.getChildren(path).catch(unlessNoNode);
    if (!node || !children) {
      return [];
    }
    const below: TreeNode[] = [];
    for (const name of children) {
      // The server's own nodes.
      if (path !== '/' || name !== 'zookeeper') {
        below.push(...(await this.tree(join(path, name))));
      }
    }
    return [{ path, ...node }, ...below];
  }

  /** Makes this server catch up with the leader of the ensemble. */
  async sync(path: string): Promise<void> {
    await this.session.request('sync', new JuteWriter().string(path), path);
  }

  /** Authenticates this connection, for example ('digest', 'user:password'). */
  async addAuth(scheme: string, credentials: string): Promise<void> {
    const body = new JuteWriter()
      .int(0)
      .string(scheme)
      .buffer(Buffer.from(credentials));
    await this.session.request('auth', body, scheme, XID_AUTH);
  }

  async getACL(path: string): Promise<Acl[]> {
    const reply = await this.session.request(
      'getACL',
      new JuteWriter().string(path),
      path,
    );
    return readAcl(reply);
  }

  async setACL(path: string, acl: Acl[], version = -1): Promise<void> {
    const body = writeAcl(new JuteWriter().string(path), acl).int(version);
    await this.session.request('setACL', body, path);
  }

  /** Ends the session: its ephemeral nodes are gone when this returns. */
  close(): Promise<void> {
    return this.session.close();
  }

  /** Drops the connection; the session lives until it times out. */
  destroy(): void {
    this.session.destroy();
  }
}

const unlessNoNode = unless('NO_NODE');

function join(path: string, name: string): string {
  return path === '/' ? `/${name}` : `${path}/${name}`;
}
