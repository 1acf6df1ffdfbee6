import type { Observable } from 'rxjs';
import type { ClientSettings } from '../zookeeper/client-factory.interface.js';
import { CREATE_FLAGS } from '../zookeeper/codec/opcodes.js';
import { Xids } from '../zookeeper/codec/xids.js';
import { ConnectionStates } from '../zookeeper/connection-states.js';
import { describeRequestProblem } from '../zookeeper/request-check.js';
import { Deferred } from '../deferred.js';
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
import type {
  FromKeeper,
  KeptSession,
  RequestTuple,
} from './keeper/protocol.js';
import { KeeperSupervisor } from './keeper-supervisor.js';

/**
 * A {@link ZookeeperClient} whose session is held by a keeper process. When a
 * keeper dies, the next one takes the same session over.
 */
export class KeeperClient implements ZookeeperClient {
  readonly #options: ClientSettings;
  readonly #states: ConnectionStates;
  readonly #supervisor: KeeperSupervisor;
  readonly #xids = new Xids();
  #session: KeptSession | undefined;
  /** Set while there is a connection. */
  #exchange: Exchange<unknown[]> | undefined;
  /** The keeper's number of it. */
  #connectionNumber = 0;
  #outbox: RequestTuple[] = [];
  #replacing: { readonly id: string; readonly done: Deferred } | undefined;
  #started: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: ClientSettings) {
    this.#options = options;
    this.#states = new ConnectionStates(options.onNotice);
    this.#supervisor = new KeeperSupervisor(options, {
      session: () => this.#session,
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

  async start(): Promise<void> {
    if (this.#closed) {
      throw new ZookeeperError('CLOSED', 'the ZooKeeper client is closed');
    }
    this.#started ??= this.#start();
    return this.#started;
  }

  async #start(): Promise<void> {
    const why = await this.#supervisor.start();
    if (why !== undefined) {
      const problem = new ZookeeperError(
        'KEEPER_UNAVAILABLE',
        `The session keeper cannot start: ${why}`,
      );
      this.#states.log.unavailable(problem.message);
      this.#states.fail(problem);
      throw problem;
    }
  }

  create(path: string, data: string, mode: CreateMode): Promise<string> {
    const args = { data, flags: CREATE_FLAGS[mode] };
    return this.#request('create', path, args, ([created]) => String(created));
  }

  get(path: string, watcher?: NodeWatcher): Promise<NodeContent> {
    const read = ([stat, data]: readonly unknown[]): NodeContent => ({
      data: (data ?? '') as string,
      stat: stat as NodeStat,
    });
    const watch = watcher && { kind: 'data' as const, watcher };
    return this.#request('get', path, { watch: !!watcher }, read, watch);
  }

  getChildren(path: string, watcher?: NodeWatcher): Promise<ChildList> {
    const read = ([children, stat]: readonly unknown[]): ChildList => ({
      children: children as string[],
      stat: stat as NodeStat,
    });
    const watch = watcher && { kind: 'children' as const, watcher };
    return this.#request(
      'getChildren',
      path,
      { watch: !!watcher },
      read,
      watch,
    );
  }

  set(path: string, data: string, version = -1): Promise<NodeStat> {
    const args = { data, version };
    return this.#request('set', path, args, ([stat]) => stat as NodeStat);
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
    if (!this.#session || this.#closed) {
      return;
    }
    const { id, timeoutMs } = this.#session;
    const done = new Deferred();
    this.#replacing = { id, done };
    this.#lost(why);
    this.#supervisor.send({ type: 'replace', sessionId: id });
    await settledWithin([done.promise], timeoutMs * SESSION_TIMEOUTS_TO_EXPIRY);
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
    await this.#supervisor.stop();
  }

  /** @param args in the order in which the native client takes them */
  #request<Answer>(
    operation: RequestTuple[1],
    path: string,
    args: { data?: string; version?: number; flags?: number; watch?: boolean },
    read: (values: readonly unknown[]) => Answer,
    watch?: ExchangedRequest<unknown[], Answer>['watch'],
  ): Promise<Answer> {
    const request = { operation, path, watch, read };
    const problem = describeRequestProblem(path, args);
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
      this.#outbox.push([xid, operation, path, ...Object.values(args)]);
      return args.data?.length ?? 0;
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
      case 'replies':
        for (const [xid, code, ...values] of message.replies) {
          this.#exchange?.answered(xid, code, values);
        }
        break;
      case 'fired':
        this.#exchange?.fired(message.event, message.path);
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

  #connected(message: Extract<FromKeeper, { type: 'connected' }>): void {
    const { session, server } = message;
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
    this.#states.connected({
      id: session.id,
      sessionTimeoutMs: session.timeoutMs,
      server,
      isResumed,
    });
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
    this.#exchange?.end(code, why);
    this.#exchange = undefined;
    this.#outbox = [];
  }
}
