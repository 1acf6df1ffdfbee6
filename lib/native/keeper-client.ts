import type { Observable } from 'rxjs';
import type { ClientSettings } from '../zookeeper/client-factory.interface.js';
import { CREATE_FLAGS } from '../zookeeper/codec/opcodes.js';
import { Xids } from '../zookeeper/codec/xids.js';
import { ConnectionStates } from '../zookeeper/connection-states.js';
import { describeRequestProblem } from '../zookeeper/request-check.js';
import { Deferred } from '../zookeeper/session/deferred.js';
import {
  Exchange,
  type ExchangedRequest,
} from '../zookeeper/session/exchange.js';
import { SESSION_TIMEOUTS_TO_EXPIRY } from '../zookeeper/session/session-timing.js';
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
  requestError,
  type ZookeeperErrorCode,
} from '../zookeeper/zookeeper.error.js';
import { settledWithin } from '../within.js';
import {
  isWatchTuple,
  type FromKeeper,
  type ReplyTuple,
  type RequestOperation,
  type RequestTuple,
  type SessionCredentials,
  type WatchTuple,
} from './keeper/protocol.js';
import { KeeperSupervisor } from './keeper-supervisor.js';

export type KeeperClientOptions = Omit<ClientSettings, 'onNotice'> &
  Partial<Pick<ClientSettings, 'onNotice'>>;

/**
 * A {@link ZookeeperClient} whose session is held by a keeper process. When a
 * keeper dies, the next one takes the same session over.
 */
export class KeeperClient implements ZookeeperClient {
  readonly #options: KeeperClientOptions;
  readonly #states: ConnectionStates;
  readonly #supervisor: KeeperSupervisor;
  readonly #xids = new Xids();
  #session: SessionCredentials | undefined;
  /** Set while there is a connection. */
  #exchange: Exchange<ReplyTuple> | undefined;
  /** The keeper's number of it. */
  #connectionNumber = 0;
  #outbox: RequestTuple[] = [];
  #replacing: { readonly id: string; readonly done: Deferred } | undefined;
  #started: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: KeeperClientOptions) {
    this.#options = options;
    const { servers, sessionTimeoutMs, maxStallMs } = options;
    this.#states = new ConnectionStates(options.onNotice);
    this.#supervisor = new KeeperSupervisor({
      sessionTimeoutMs,
      maxStallMs,
      opening: () => ({
        type: 'open',
        servers,
        sessionTimeoutMs,
        maxStallMs,
        ...(this.#session && { session: this.#session }),
      }),
      onMessage: (message) => this.#receive(message),
      onGone: (description) => {
        this.#states.log.warn(
          `The session keeper ${description}; starting another one`,
        );
        this.#suspended('its keeper process has ended');
      },
      onTick: () => this.#exchange?.tick(),
    });
  }

  get connection(): Connection {
    return this.#states.current;
  }

  get connection$(): Observable<Connection> {
    return this.#states.changes;
  }

  start(): Promise<void> {
    if (this.#closed) {
      const why = 'the ZooKeeper client is closed';
      return Promise.reject(new ZookeeperError('CLOSED', why));
    }
    this.#started ??= this.#supervisor.start().catch((error: Error) => {
      const problem = new ZookeeperError(
        'KEEPER_UNAVAILABLE',
        `The session keeper cannot start: ${error.message}`,
      );
      this.#states.log.unavailable(problem.message);
      this.#states.fail(problem);
      throw problem;
    });
    return this.#started;
  }

  create(path: string, data: string, mode: CreateMode): Promise<string> {
    const value = { data, flags: CREATE_FLAGS[mode] };
    return this.#request('create', path, value, ([, , created]) =>
      String(created),
    );
  }

  get(path: string, watcher?: NodeWatcher): Promise<NodeContent> {
    const watch = watcher && { kind: 'data' as const, watcher };
    const read = ([, , data, stat]: ReplyTuple): NodeContent => ({
      data: data as string,
      stat: stat as NodeStat,
    });
    return this.#request('get', path, {}, read, watch);
  }

  getChildren(path: string, watcher?: NodeWatcher): Promise<ChildList> {
    const watch = watcher && { kind: 'children' as const, watcher };
    const read = ([, , children, stat]: ReplyTuple): ChildList => ({
      children: children as string[],
      stat: stat as NodeStat,
    });
    return this.#request('getChildren', path, {}, read, watch);
  }

  set(path: string, data: string, version = -1): Promise<NodeStat> {
    const value = { data, version };
    return this.#request(
      'set',
      path,
      value,
      ([, , , stat]) => stat as NodeStat,
    );
  }

  delete(path: string, version = -1): Promise<void> {
    return this.#request('delete', path, { version }, () => undefined);
  }

  sync(path: string): Promise<void> {
    return this.#request('sync', path, {}, () => undefined);
  }

  unwatch(path: string, watcher: NodeWatcher): void {
    // The native client cannot take a watch back: only the callback goes.
    this.#exchange?.unwatch(path, watcher);
  }

  async replaceSession(why: string): Promise<void> {
    const { sessionTimeoutMs = this.#options.sessionTimeoutMs } =
      this.connection;
    if (!this.#session || this.#closed) {
      return;
    }
    const { id } = this.#session;
    const done = new Deferred();
    this.#replacing = { id, done };
    this.#lost(why);
    this.#supervisor.send({ type: 'replace', sessionId: id });
    const expiryMs = sessionTimeoutMs * SESSION_TIMEOUTS_TO_EXPIRY;
    await settledWithin([done.promise], expiryMs);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    // What was asked for in this turn is still done.
    this.#flush();
    this.#disconnect('CLOSED', 'the ZooKeeper client was closed');
    this.#states.close();
    this.#replacing?.done.resolve();
    await this.#supervisor.stop(this.#session !== undefined);
  }

  #request<Answer>(
    operation: RequestOperation,
    path: string,
    value: { readonly data?: string; version?: number; flags?: number },
    read: (reply: ReplyTuple) => Answer,
    watch?: ExchangedRequest<ReplyTuple, Answer>['watch'],
  ): Promise<Answer> {
    const request = { operation, path, watch, read };
    const problem = describeRequestProblem(path, value);
    if (problem !== undefined) {
      return Promise.reject(requestError('BAD_ARGUMENTS', request, problem));
    }
    if (!this.#exchange) {
      return Promise.reject(this.#states.refusal(request));
    }
    return this.#exchange.request(request, (xid) => {
      if (this.#outbox.length === 0) {
        // All requests of one turn travel in one message.
        process.nextTick(() => this.#flush());
      }
      const { data = '', flags, version } = value;
      const argument = flags ?? version ?? (watch ? 1 : 0);
      this.#outbox.push([xid, operation, path, data, argument]);
      return data.length;
    });
  }

  #flush(): void {
    const requests = this.#outbox;
    this.#outbox = [];
    if (requests.length > 0) {
      const connection = this.#connectionNumber;
      this.#supervisor.send({ type: 'requests', connection, requests });
    }
  }

  #receive(message: FromKeeper): void {
    switch (message.type) {
      case 'batch':
        message.items.forEach((item) => this.#take(item));
        break;
      case 'connected':
        this.#connected(message);
        break;
      case 'suspended':
        this.#suspended(message.reason);
        break;
      case 'unreachable':
        this.#states.unreachable(message.reasons, false);
        break;
      case 'expired':
        if (message.sessionId === this.#session?.id) {
          this.#lost('ZooKeeper has expired the session');
        }
        break;
    }
  }

  #take(item: ReplyTuple | WatchTuple): void {
    if (isWatchTuple(item)) {
      this.#exchange?.fired(...item);
    } else {
      const [xid, code] = item;
      this.#exchange?.answered(xid, code, item);
    }
  }

  #connected(message: Extract<FromKeeper, { type: 'connected' }>): void {
    const { session, sessionTimeoutMs, server } = message;
    if (session.id === this.#replacing?.id) {
      // The keeper has not heard yet that this one is to go.
      return;
    }
    this.#replacing?.done.resolve();
    this.#replacing = undefined;
    const isResumed = this.#session?.id === session.id;
    this.#session = session;
    this.#connectionNumber = message.connection;
    this.#exchange = new Exchange({
      xids: this.#xids,
      ticksToAnswer: this.#options.sessionTimeoutMs / this.#supervisor.tickMs,
      canProve: false,
      onWatcherError: (error) => this.#states.watcherFailed(error),
    });
    const { id } = session;
    this.#states.connected({ id, sessionTimeoutMs, server, isResumed });
  }

  #suspended(reason: string): void {
    this.#disconnect('CONNECTION_LOSS', 'the connection to ZooKeeper was lost');
    this.#states.suspended(reason);
  }

  #lost(why: string): void {
    this.#session = undefined;
    this.#disconnect('SESSION_EXPIRED', why);
    this.#states.lost('SESSION_EXPIRED', why);
  }

  #disconnect(code: ZookeeperErrorCode, why: string): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#outbox = [];
    exchange?.end(code, why);
  }
}
