import { BehaviorSubject, type Observable } from 'rxjs';
import type { ServerAddress } from '../zookeeper/connection-string.js';
import { describeRequestProblem } from './keeper/message-check.js';
import {
  PROTOCOL_VERSION,
  type FromKeeper,
  type ReplyTuple,
  type RequestOperation,
  type SessionCredentials,
  type StatTuple,
  isWatchTuple,
} from './keeper/protocol.js';
import { KeeperSupervisor } from './keeper-supervisor.js';
import { RequestTable } from './request-table.js';
import { WatchTable, type WatchKind } from './watch-table.js';
import type {
  ChildList,
  Connection,
  CreateMode,
  NodeContent,
  NodeStat,
  NodeWatcher,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import {
  ZookeeperError,
  type ZookeeperErrorCode,
} from '../zookeeper/zookeeper.error.js';

export interface KeeperClientOptions {
  readonly servers: readonly ServerAddress[];
  readonly sessionTimeoutMs: number;
  readonly maxStallMs: number;
  /** Told about what an operator should know; the client itself is silent. */
  readonly onNotice?: (notice: KeeperNotice) => void;
}

export interface KeeperNotice {
  readonly level: 'log' | 'warn' | 'error';
  readonly text: string;
}

const CREATE_FLAGS: Record<CreateMode, number> = {
  persistent: 0,
  ephemeral: 1,
  'ephemeral-sequential': 3,
  container: 4,
};

/** The keeper itself gives requests up after one session timeout. */
const REQUEST_TIMEOUT_IN_SESSION_TIMEOUTS = 2;

/**
 * A {@link ZookeeperClient} whose session is held by a keeper process. When a
 * keeper dies, the next one takes the same session over.
 */
export class KeeperClient implements ZookeeperClient {
  readonly #options: KeeperClientOptions;
  readonly #connection$ = new BehaviorSubject<Connection>({
    state: 'connecting',
    epoch: 0,
  });
  readonly #watches = new WatchTable();
  readonly #requests = new RequestTable();
  readonly #supervisor: KeeperSupervisor;
  #session: SessionCredentials | undefined;
  /** The keeper's number of the connection that is in use. */
  #keeperConnection: number | undefined;
  #started: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  #presumeLost: NodeJS.Timeout | undefined;
  #lastTrouble: string | undefined;

  constructor(options: KeeperClientOptions) {
    this.#options = options;
    const { sessionTimeoutMs, maxStallMs } = options;
    this.#supervisor = new KeeperSupervisor({
      sessionTimeoutMs,
      maxStallMs,
      onReady: () => this.#open(),
      onMessage: (message) => this.#receive(message),
      onGone: (description, byItself) =>
        byItself
          ? this.#lost(
              'SESSION_EXPIRED',
              `the session keeper ${description}, and with it its session`,
            )
          : this.#keeperGone(description),
      onTick: () =>
        this.#requests.sweep(
          (REQUEST_TIMEOUT_IN_SESSION_TIMEOUTS * sessionTimeoutMs) /
            this.#supervisor.tickMs,
        ),
    });
  }

  get connection(): Connection {
    return this.#connection$.value;
  }

  get connection$(): Observable<Connection> {
    return this.#connection$;
  }

  start(): Promise<void> {
    if (this.#closed) {
      return Promise.reject(
        new ZookeeperError('CLOSED', 'the ZooKeeper client is closed'),
      );
    }
    this.#started ??= this.#supervisor
      .start()
      .catch((error: Error) => this.#giveUp(error.message));
    return this.#started;
  }

  async create(path: string, data: string, mode: CreateMode): Promise<string> {
    const reply = await this.#request('create', path, data, CREATE_FLAGS[mode]);
    return reply[2] as string;
  }

  async get(path: string, watcher?: NodeWatcher): Promise<NodeContent> {
    const reply = await this.#read('get', 'data', path, watcher);
    return { data: reply[2] as string, stat: statOf(reply) };
  }

  async getChildren(path: string, watcher?: NodeWatcher): Promise<ChildList> {
    const reply = await this.#read('children', 'children', path, watcher);
    return { children: reply[2] as string[], stat: statOf(reply) };
  }

  async set(path: string, data: string, version = -1): Promise<NodeStat> {
    return statOf(await this.#request('set', path, data, version));
  }

  async delete(path: string, version = -1): Promise<void> {
    await this.#request('delete', path, '', version);
  }

  async sync(path: string): Promise<void> {
    await this.#request('sync', path, '', 0);
  }

  unwatch(path: string, watcher: NodeWatcher): void {
    this.#watches.remove(path, watcher);
  }

  replaceSession(why: string): Promise<void> {
    if (this.#session && !this.#closed) {
      this.#lost('SESSION_EXPIRED', why);
      this.#supervisor.send({ type: 'replace' });
    }
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#presumeLost);
    // What was asked for in this turn is still done.
    this.#flush();
    this.#disconnect('CLOSED', 'the ZooKeeper client was closed');
    // First of all nobody here believes in the session any more.
    this.#change({ state: 'closed', epoch: this.connection.epoch });
    this.#connection$.complete();
    await this.#supervisor.stop(this.#session !== undefined);
  }

  async #read(
    operation: 'get' | 'children',
    kind: WatchKind,
    path: string,
    watcher: NodeWatcher | undefined,
  ): Promise<ReplyTuple> {
    if (watcher) {
      this.#watches.add(kind, path, watcher);
    }
    try {
      return await this.#request(operation, path, '', watcher ? 1 : 0);
    } catch (error) {
      if (watcher) {
        this.#watches.remove(path, watcher);
      }
      throw error;
    }
  }

  #request(
    operation: RequestOperation,
    path: string,
    data: string,
    argument: number,
  ): Promise<ReplyTuple> {
    const problem = describeRequestProblem(operation, path, data, argument);
    if (problem !== undefined) {
      return refuse('BAD_ARGUMENTS', operation, path, problem);
    }
    if (this.#closed) {
      const why = 'the ZooKeeper client is closed';
      return refuse('CLOSED', operation, path, why);
    }
    if (this.#keeperConnection === undefined) {
      const { state } = this.connection;
      const why = `there is no connection to ZooKeeper (${state})`;
      return refuse('CONNECTION_LOSS', operation, path, why);
    }
    if (this.#requests.isOutboxEmpty) {
      // All requests of one turn travel in one message.
      process.nextTick(() => this.#flush());
    }
    return this.#requests.add(operation, path, data, argument);
  }

  #flush(): void {
    const connection = this.#keeperConnection;
    if (!this.#requests.isOutboxEmpty && connection !== undefined) {
      const requests = this.#requests.takeOutbox();
      this.#supervisor.send({ type: 'requests', connection, requests });
    }
  }

  /** Tells a new keeper which session to open, or to take over. */
  #open(): void {
    if (this.#closed && !this.#session) {
      return;
    }
    const { servers, sessionTimeoutMs, maxStallMs } = this.#options;
    this.#supervisor.send({
      type: 'open',
      version: PROTOCOL_VERSION,
      servers,
      sessionTimeoutMs,
      maxStallMs,
      ...(this.#session && { session: this.#session }),
    });
  }

  #receive(message: FromKeeper): void {
    switch (message.type) {
      case 'batch':
        for (const item of message.items) {
          if (isWatchTuple(item)) {
            this.#watches.fire(item[0], item[1]);
          } else {
            this.#requests.settle(item);
          }
        }
        break;
      case 'connected':
        this.#connected(message);
        break;
      case 'suspended':
        if (this.connection.state === 'connected') {
          this.#notice('warn', 'The connection to ZooKeeper was lost');
        }
        this.#suspended();
        break;
      case 'unreachable':
        this.#trouble(
          'warn',
          `ZooKeeper cannot be reached (${message.reason}); ` +
            'trying again until it can',
          'unreachable',
        );
        break;
      case 'expired':
        if (message.cause === 'replaced') {
          break;
        }
        this.#lost(
          'SESSION_EXPIRED',
          message.cause === 'stall'
            ? 'the application showed no sign of life for longer than ' +
                `maxStallMs (${this.#options.maxStallMs} ms), ` +
                'so its session was closed'
            : 'ZooKeeper has expired the session',
        );
        break;
    }
  }

  #connected(message: Extract<FromKeeper, { type: 'connected' }>): void {
    const { session, sessionTimeoutMs, server } = message;
    const isResumed = this.#session?.id === session.id;
    clearTimeout(this.#presumeLost);
    this.#session = session;
    this.#keeperConnection = message.connection;
    this.#lastTrouble = undefined;
    this.#notice(
      'log',
      `Connected to ZooKeeper at ${server}${isResumed ? ' again' : ''}, ` +
        `session 0x${session.id}, session timeout ${sessionTimeoutMs} ms`,
    );
    this.#change({
      state: 'connected',
      epoch: this.connection.epoch + 1,
      sessionId: session.id,
      sessionTimeoutMs,
    });
  }

  #keeperGone(description: string): void {
    this.#trouble(
      'warn',
      `The session keeper ${description}; starting another one`,
    );
    this.#suspended();
  }

  /** The connection is gone; the session may come back. */
  #suspended(): void {
    this.#disconnect('CONNECTION_LOSS', 'the connection to ZooKeeper was lost');
    const { state, epoch, sessionId, sessionTimeoutMs } = this.connection;
    if (
      state !== 'connected' ||
      sessionId === undefined ||
      sessionTimeoutMs === undefined
    ) {
      return;
    }
    this.#presumeLost = setTimeout(() => {
      this.#notice(
        'warn',
        `ZooKeeper has been out of reach for ${sessionTimeoutMs} ms: ` +
          'the session must be presumed lost',
      );
      this.#change({ state: 'lost', epoch });
    }, sessionTimeoutMs);
    this.#change({ state: 'suspended', epoch, sessionId, sessionTimeoutMs });
  }

  #lost(code: 'SESSION_EXPIRED' | 'AUTH_FAILED', why: string): void {
    clearTimeout(this.#presumeLost);
    this.#session = undefined;
    this.#disconnect('SESSION_EXPIRED', why);
    const level = code === 'AUTH_FAILED' ? 'error' : 'warn';
    this.#trouble(level, `Session lost: ${why}`);
    this.#change({
      state: 'lost',
      epoch: this.connection.epoch,
      problem: new ZookeeperError(code, why),
    });
  }

  /** There will be no keeper, and so no session, on this machine. */
  #giveUp(why: string): never {
    const problem = new ZookeeperError(
      'KEEPER_UNAVAILABLE',
      `The session keeper cannot start: ${why}`,
    );
    this.#notice('error', problem.message);
    this.#change({ state: 'lost', epoch: this.connection.epoch, problem });
    throw problem;
  }

  #disconnect(code: ZookeeperErrorCode, why: string): void {
    this.#keeperConnection = undefined;
    this.#watches.clear();
    this.#requests.rejectAll(code, why);
  }

  #change(connection: Connection): void {
    this.#connection$.next(Object.freeze(connection));
  }

  /** A notice that is not repeated until there has been a connection. */
  #trouble(level: KeeperNotice['level'], text: string, kind = text): void {
    if (this.#lastTrouble !== kind) {
      this.#lastTrouble = kind;
      this.#notice(level, text);
    }
  }

  #notice(level: KeeperNotice['level'], text: string): void {
    this.#options.onNotice?.({ level, text });
  }
}

function refuse(
  code: ZookeeperErrorCode,
  operation: string,
  path: unknown,
  why: string,
): Promise<never> {
  const text = typeof path === 'string' ? path : typeof path;
  return Promise.reject(
    new ZookeeperError(code, `${operation} ${text}: ${why}`, text),
  );
}

function statOf(reply: ReplyTuple): NodeStat {
  const [
    czxid,
    mzxid,
    pzxid,
    version,
    numChildren,
    ephemeralOwner,
    createdAtMs,
    modifiedAtMs,
  ] = reply[3] as StatTuple;
  return {
    czxid,
    mzxid,
    pzxid,
    version,
    numChildren,
    ephemeralOwner,
    createdAtMs,
    modifiedAtMs,
  };
}
