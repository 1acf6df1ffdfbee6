import { BehaviorSubject, type Observable } from 'rxjs';
import type { ServerAddress } from './connection-string.js';
import { KeeperProcess } from './keeper-process.js';
import {
  PROTOCOL_VERSION,
  type FromKeeper,
  type ReplyTuple,
  type RequestOperation,
  type RequestTuple,
  type SessionCredentials,
  type StatTuple,
  isWatchTuple,
} from './keeper/protocol.js';
import { settledWithin } from '../within.js';
import { errorOfCode } from './result-codes.js';
import { WatchTable } from './watch-table.js';
import type {
  ChildList,
  Connection,
  CreateMode,
  NodeContent,
  NodeStat,
  NodeWatcher,
  ZookeeperClient,
} from './zookeeper-client.interface.js';
import { ZookeeperError } from './zookeeper.error.js';

export interface KeeperClientOptions {
  readonly servers: readonly ServerAddress[];
  readonly sessionTimeoutMs: number;
  readonly maxStallMs: number;
  /** Digest credentials, `user:password`. */
  readonly digest?: string;
  /** Told about what an operator should know; the client itself is silent. */
  readonly onNotice?: (notice: KeeperNotice) => void;
}

export interface KeeperNotice {
  readonly level: 'log' | 'warn' | 'error';
  readonly text: string;
}

interface Pending {
  readonly path: string;
  readonly operation: RequestOperation;
  resolve(reply: ReplyTuple): void;
  reject(error: ZookeeperError): void;
}

const CREATE_FLAGS: Record<CreateMode, number> = {
  persistent: 0,
  ephemeral: 1,
  'ephemeral-sequential': 3,
  container: 4,
};

const CLOSE_TIMEOUT_MS = 1_000;
const FIRST_RESTART_PAUSE_MS = 50;
const LONGEST_RESTART_PAUSE_MS = 5_000;
/** After that many, a keeper that has never worked is not tried again. */
const TOLERATED_FAILED_STARTS = 2;
const LONGEST_LIFE_SIGN_PAUSE_MS = 2_500;
/** Signs of life that a keeper may leave unanswered before it is replaced. */
const TOLERATED_SILENCES = 4;

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
  readonly #pending = new Map<number, Pending>();
  #keeper: KeeperProcess | undefined;
  #session: SessionCredentials | undefined;
  #lastRequestId = 0;
  #outbox: RequestTuple[] = [];
  #started: Promise<void> | undefined;
  #settleStart: { resolve(): void; reject(error: Error): void } | undefined;
  #isUsable = false;
  #hasBeenReady = false;
  #failedStarts = 0;
  #unansweredSigns = 0;
  #lifeSigns: NodeJS.Timeout | undefined;
  #presumeLost: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  #isUnreachableReported = false;
  #isClosing = false;
  #onClosed: (() => void) | undefined;

  constructor(options: KeeperClientOptions) {
    this.#options = options;
  }

  get connection(): Connection {
    return this.#connection$.value;
  }

  get connection$(): Observable<Connection> {
    return this.#connection$;
  }

  start(): Promise<void> {
    this.#started ??= new Promise((resolve, reject) => {
      this.#settleStart = { resolve, reject };
      this.#fork();
      this.#lifeSigns = setInterval(
        () => this.#showLife(),
        Math.min(
          LONGEST_LIFE_SIGN_PAUSE_MS,
          this.#options.maxStallMs / 5,
          this.#options.sessionTimeoutMs / 6,
        ),
      );
    });
    return this.#started;
  }

  async create(path: string, data: string, mode: CreateMode): Promise<string> {
    const flags = CREATE_FLAGS[mode];
    const reply = await this.#request('create', path, data, flags);
    return reply[2] as string;
  }

  async get(path: string, watcher?: NodeWatcher): Promise<NodeContent> {
    const forget = watcher && this.#watches.add('data', path, watcher);
    try {
      const reply = await this.#request(
        'get',
        path,
        undefined,
        watcher ? 1 : 0,
      );
      return { data: reply[2] as string, stat: statOf(reply) };
    } catch (error) {
      forget?.();
      throw error;
    }
  }

  async getChildren(path: string, watcher?: NodeWatcher): Promise<ChildList> {
    const forget = watcher && this.#watches.add('children', path, watcher);
    try {
      const watch = watcher ? 1 : 0;
      const reply = await this.#request('children', path, undefined, watch);
      return { children: reply[2] as string[], stat: statOf(reply) };
    } catch (error) {
      forget?.();
      throw error;
    }
  }

  async set(path: string, data: string, version = -1): Promise<NodeStat> {
    return statOf(await this.#request('set', path, data, version));
  }

  async delete(path: string, version = -1): Promise<void> {
    await this.#request('delete', path, undefined, version);
  }

  async sync(path: string): Promise<void> {
    await this.#request('sync', path, undefined, 0);
  }

  async close(): Promise<void> {
    if (this.#isClosing) {
      return;
    }
    this.#isClosing = true;
    const keeper = this.#keeper;
    const closed = new Promise<void>((resolve) => {
      this.#onClosed = resolve;
    });
    clearInterval(this.#lifeSigns);
    clearTimeout(this.#presumeLost);
    clearTimeout(this.#restart);
    this.#flush();
    keeper?.send({ type: 'close' });
    this.#isUsable = false;
    this.#rejectPending('CLOSED', 'the ZooKeeper client was closed');
    this.#settleStart?.resolve();
    if (keeper) {
      await settledWithin([closed], CLOSE_TIMEOUT_MS);
      keeper.release();
    }
    this.#keeper = undefined;
    this.#change({ state: 'closed', epoch: this.connection.epoch });
    this.#connection$.complete();
  }

  #request(
    operation: RequestOperation,
    path: string,
    data: string | undefined,
    argument: number,
  ): Promise<ReplyTuple> {
    if (!this.#isUsable) {
      return Promise.reject(this.#unusable(operation, path));
    }
    const id = ++this.#lastRequestId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { path, operation, resolve, reject });
      // All requests of one turn travel in one message.
      if (this.#outbox.push([id, operation, path, data, argument]) === 1) {
        process.nextTick(() => this.#flush());
      }
    });
  }

  #unusable(operation: RequestOperation, path: string): ZookeeperError {
    const isClosed = this.#isClosing;
    return new ZookeeperError(
      isClosed ? 'CLOSED' : 'CONNECTION_LOSS',
      `${operation} ${path}: ` +
        (isClosed
          ? 'the ZooKeeper client is closed'
          : `there is no connection to ZooKeeper (${this.connection.state})`),
      path,
    );
  }

  #flush(): void {
    if (this.#outbox.length > 0) {
      const requests = this.#outbox;
      this.#outbox = [];
      this.#keeper?.send({ type: 'requests', requests });
    }
  }

  #fork(): void {
    const startedAt = performance.now();
    this.#unansweredSigns = 0;
    const keeper: KeeperProcess = new KeeperProcess({
      onMessage: (message) => {
        if (this.#keeper === keeper) {
          this.#receive(message);
        }
      },
      onExit: (description) => {
        if (this.#keeper === keeper) {
          this.#keeperGone(description, performance.now() - startedAt);
        }
      },
    });
    this.#keeper = keeper;
  }

  #receive(message: FromKeeper): void {
    if (this.#isClosing) {
      if (message.type === 'closed') {
        this.#onClosed?.();
      }
      return;
    }
    switch (message.type) {
      case 'ready':
        this.#hasBeenReady = true;
        this.#settleStart?.resolve();
        this.#keeper?.send({
          type: 'open',
          version: PROTOCOL_VERSION,
          servers: this.#options.servers,
          sessionTimeoutMs: this.#options.sessionTimeoutMs,
          maxStallMs: this.#options.maxStallMs,
          ...(this.#session && { session: this.#session }),
          ...(this.#options.digest !== undefined && {
            digest: this.#options.digest,
          }),
        });
        break;
      case 'unusable':
        this.#giveUp(message.reason);
        break;
      case 'unreachable':
        this.#reportUnreachable(message.reason);
        break;
      case 'connected':
        this.#connected(
          message.session,
          message.sessionTimeoutMs,
          message.server,
        );
        break;
      case 'suspended':
        this.#suspended();
        break;
      case 'expired':
        this.#lost(
          message.cause === 'stall'
            ? 'the application showed no sign of life for longer than ' +
                `maxStallMs (${this.#options.maxStallMs} ms), ` +
                'so its session was closed'
            : 'ZooKeeper has expired the session',
        );
        break;
      case 'auth-failed':
        this.#lost('ZooKeeper refused the credentials', 'AUTH_FAILED');
        break;
      case 'batch':
        for (const item of message.items) {
          if (isWatchTuple(item)) {
            this.#watches.fire(item[0], item[1]);
          } else {
            this.#settle(item);
          }
        }
        break;
      case 'alive':
        this.#unansweredSigns = 0;
        break;
      case 'closed':
        // Only asked for when closing.
        break;
    }
  }

  #settle(reply: ReplyTuple): void {
    const [id, code] = reply;
    const pending = this.#pending.get(id);
    if (!pending) {
      return;
    }
    this.#pending.delete(id);
    if (code === 0) {
      pending.resolve(reply);
    } else {
      pending.reject(errorOfCode(code, pending.operation, pending.path));
    }
  }

  #connected(
    session: SessionCredentials,
    sessionTimeoutMs: number,
    server: string,
  ): void {
    const isResumed = this.#session?.id === session.id;
    clearTimeout(this.#presumeLost);
    this.#session = session;
    this.#isUsable = true;
    this.#failedStarts = 0;
    this.#isUnreachableReported = false;
    this.#notice(
      'log',
      isResumed
        ? `Connected to ZooKeeper at ${server} again, session 0x${session.id}`
        : `Connected to ZooKeeper at ${server}, session 0x${session.id}, ` +
            `session timeout ${sessionTimeoutMs} ms`,
    );
    this.#change({
      state: 'connected',
      epoch: this.connection.epoch + 1,
      sessionId: session.id,
      sessionTimeoutMs,
    });
  }

  #suspended(): void {
    const { state, epoch, sessionId, sessionTimeoutMs } = this.connection;
    this.#disconnect('CONNECTION_LOSS', 'the connection to ZooKeeper was lost');
    if (state !== 'connected' || sessionTimeoutMs === undefined) {
      return;
    }
    this.#notice('warn', 'The connection to ZooKeeper was lost');
    clearTimeout(this.#presumeLost);
    this.#presumeLost = setTimeout(() => {
      this.#lostOutOfReach(sessionTimeoutMs);
    }, sessionTimeoutMs);
    this.#change({
      state: 'suspended',
      epoch,
      ...(sessionId !== undefined && { sessionId }),
      sessionTimeoutMs,
    });
  }

  /** The session may still be alive, and comes back if it is. */
  #lostOutOfReach(sessionTimeoutMs: number): void {
    this.#notice(
      'warn',
      `ZooKeeper has been out of reach for ${sessionTimeoutMs} ms: ` +
        'the session must be presumed lost',
    );
    this.#change({ state: 'lost', epoch: this.connection.epoch });
  }

  #lost(
    why: string,
    code: 'SESSION_EXPIRED' | 'AUTH_FAILED' = 'SESSION_EXPIRED',
  ) {
    clearTimeout(this.#presumeLost);
    this.#session = undefined;
    this.#disconnect('SESSION_EXPIRED', why);
    this.#notice(
      code === 'AUTH_FAILED' ? 'error' : 'warn',
      `Session lost: ${why}`,
    );
    this.#change({
      state: 'lost',
      epoch: this.connection.epoch,
      problem: new ZookeeperError(code, why),
    });
  }

  #disconnect(code: 'CONNECTION_LOSS' | 'SESSION_EXPIRED', why: string): void {
    this.#isUsable = false;
    this.#watches.clear();
    this.#rejectPending(code, why);
  }

  #keeperGone(description: string, livedMs: number): void {
    this.#keeper = undefined;
    if (this.#isClosing) {
      this.#onClosed?.();
      return;
    }
    if (!this.#hasBeenReady && this.#failedStarts >= TOLERATED_FAILED_STARTS) {
      this.#giveUp(`it ${description}`);
      return;
    }
    this.#notice(
      'warn',
      `The session keeper ${description}; starting another one`,
    );
    this.#suspended();
    if (livedMs > LONGEST_RESTART_PAUSE_MS) {
      this.#failedStarts = 0;
    }
    const pauseMs =
      this.#failedStarts === 0
        ? 0
        : Math.min(
            LONGEST_RESTART_PAUSE_MS,
            FIRST_RESTART_PAUSE_MS * 2 ** this.#failedStarts,
          );
    this.#failedStarts += 1;
    this.#restart = setTimeout(() => this.#fork(), pauseMs);
  }

  /** A keeper that cannot work today will not work in a second either. */
  #giveUp(reason: string): void {
    const error = new ZookeeperError(
      'KEEPER_UNAVAILABLE',
      `The session keeper cannot start: ${reason}`,
    );
    this.#keeper?.release();
    this.#keeper = undefined;
    clearInterval(this.#lifeSigns);
    this.#disconnect('CONNECTION_LOSS', error.message);
    this.#notice('error', error.message);
    this.#change({
      state: 'lost',
      epoch: this.connection.epoch,
      problem: error,
    });
    this.#settleStart?.reject(error);
  }

  #reportUnreachable(reason: string): void {
    if (!this.#isUnreachableReported) {
      this.#isUnreachableReported = true;
      this.#notice(
        'warn',
        `ZooKeeper cannot be reached (${reason}); trying again until it can`,
      );
    }
  }

  #showLife(): void {
    if (!this.#keeper) {
      return;
    }
    if (this.#unansweredSigns >= TOLERATED_SILENCES) {
      // Counted in own ticks: a pause of this process is not the keeper's.
      this.#notice('warn', 'The session keeper does not answer');
      this.#keeper.kill();
      return;
    }
    this.#unansweredSigns += 1;
    this.#keeper.send({ type: 'alive' });
  }

  #rejectPending(
    code: 'CONNECTION_LOSS' | 'SESSION_EXPIRED' | 'CLOSED',
    why: string,
  ): void {
    this.#outbox = [];
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const request of pending) {
      const { operation, path } = request;
      request.reject(
        new ZookeeperError(code, `${operation} ${path}: ${why}`, path),
      );
    }
  }

  #change(connection: Connection): void {
    this.#connection$.next(Object.freeze(connection));
  }

  #notice(level: KeeperNotice['level'], text: string): void {
    this.#options.onNotice?.({ level, text });
  }
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
