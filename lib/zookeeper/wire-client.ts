import { BehaviorSubject, type Observable } from 'rxjs';
import { messageOf } from '../message-of.js';
import { CreatorNodes } from './access/creator-nodes.js';
import { CREATOR_ALL, OPEN, type Acl } from './codec/acl.record.js';
import type { JuteReader } from './codec/jute-reader.js';
import type { MultiOperation } from './codec/multi.record.js';
import { texts } from './codec/node.records.js';
import { CREATE_FLAGS } from './codec/opcodes.js';
import { OPERATIONS } from './codec/operations.js';
import { RESULT_CODES } from './codec/result-codes.js';
import { stat } from './codec/stat.record.js';
import { formatServer } from './connection-string.js';
import { ConnectionLog, type ClientNotice } from './connection-log.js';
import type { NodePaths } from './node-paths.js';
import { describeRequestProblem } from './request-check.js';
import { errorOfCode } from './result-codes.js';
import type { ServerRequest } from './session/server-connection.js';
import {
  Session,
  type ConnectedSession,
  type SessionOptions,
} from './session/session.js';
import type { WatchKind } from './session/watch-table.js';
import type {
  ChildList,
  ClosedNodes,
  Connection,
  CreateMode,
  NodeAcl,
  NodeContent,
  NodeStat,
  NodeWatcher,
  TransactionOperation,
  ZookeeperClient,
} from './zookeeper-client.interface.js';
import { ZookeeperError, type ZookeeperErrorCode } from './zookeeper.error.js';

export interface WireClientOptions extends SessionOptions {
  /** Of nodes whose creator does not say: see {@link NodeAcl}. */
  readonly acl: NodeAcl;
  /** Below it everything is closed to others, if `acl` is `creator`. */
  readonly paths: NodePaths;
  /** Told about what an operator should know; the client itself is silent. */
  readonly onNotice?: (notice: ClientNotice) => void;
}

const ACLS: Record<NodeAcl, Acl> = { open: OPEN, creator: CREATOR_ALL };

/** The library's own {@link ZookeeperClient}: speaks ZooKeeper's protocol. */
export class WireClient implements ZookeeperClient {
  readonly #options: WireClientOptions;
  readonly #connection$ = new BehaviorSubject<Connection>({
    state: 'connecting',
    epoch: 0,
  });
  readonly #session: Session;
  readonly #log: ConnectionLog;
  readonly access: ClosedNodes | undefined;
  #isStarted = false;
  #closed: Promise<void> | undefined;
  #presumeLost: NodeJS.Timeout | undefined;

  constructor(options: WireClientOptions) {
    this.#options = options;
    this.#log = new ConnectionLog((notice) => options.onNotice?.(notice));
    this.#session = new Session(options, {
      onConnected: (session) => this.#connected(session),
      onSuspended: (reason, isAfterStall) =>
        this.#suspended(reason, isAfterStall),
      onLost: (code, why) => this.#lost(code, why),
      onUnreachable: (reasons, isOfTls) => this.#unreachable(reasons, isOfTls),
      onWatcherError: (error) => this.#log.watcherFailed(messageOf(error)),
    });
    if (options.acl === 'creator') {
      this.access = new CreatorNodes({
        paths: options.paths,
        identity: identityOf(options),
        request: (request) => this.#request(request),
        onWarning: (text) => this.#log.warn(text),
      });
    }
  }

  get connection(): Connection {
    return this.#connection$.value;
  }

  get connection$(): Observable<Connection> {
    return this.#connection$;
  }

  start(): Promise<void> {
    if (this.#closed) {
      const why = 'the ZooKeeper client is closed';
      return Promise.reject(new ZookeeperError('CLOSED', why));
    }
    if (!this.#isStarted) {
      this.#isStarted = true;
      this.#warnOfWeakness();
      void this.#options.guardian?.start();
      void this.#session.run();
    }
    return Promise.resolve();
  }

  create(
    path: string,
    data: string,
    mode: CreateMode,
    acl: NodeAcl = this.#options.acl,
  ): Promise<string> {
    return this.#request({
      operation: 'create',
      path,
      type:
        mode === 'container' ? OPERATIONS.createContainer : OPERATIONS.create,
      value: { path, data, acl: ACLS[acl], flags: CREATE_FLAGS[mode] },
      // A container is answered with its status, too.
      read: (body) => body.text(),
    });
  }

  get(path: string, watcher?: NodeWatcher): Promise<NodeContent> {
    return this.#read(
      'get',
      OPERATIONS.getData,
      'data',
      path,
      watcher,
      (body) => ({
        data: body.text(),
        stat: stat.read(body),
      }),
    );
  }

  getChildren(path: string, watcher?: NodeWatcher): Promise<ChildList> {
    return this.#read(
      'getChildren',
      OPERATIONS.getChildren2,
      'children',
      path,
      watcher,
      (body) => ({ children: texts.read(body), stat: stat.read(body) }),
    );
  }

  unwatch(path: string, watcher: NodeWatcher): void {
    this.#session.connection?.unwatch(path, watcher);
  }

  set(path: string, data: string, version = -1): Promise<NodeStat> {
    return this.#request({
      operation: 'set',
      path,
      type: OPERATIONS.setData,
      value: { path, data, version },
      read: (body) => stat.read(body),
    });
  }

  delete(path: string, version = -1): Promise<void> {
    return this.#request({
      operation: 'delete',
      path,
      type: OPERATIONS.delete,
      value: { path, version },
      read: () => undefined,
    });
  }

  sync(path: string): Promise<void> {
    return this.#request({
      operation: 'sync',
      path,
      type: OPERATIONS.sync,
      value: { path },
      read: () => undefined,
    });
  }

  async multi(operations: readonly TransactionOperation[]): Promise<void> {
    for (const operation of operations) {
      const problem = describeRequestProblem(operation.path, operation);
      if (problem !== undefined) {
        throw refusal('BAD_ARGUMENTS', operation.type, operation.path, problem);
      }
    }
    const results = await this.#request({
      operation: 'multi',
      path: operations[0]?.path ?? '/',
      type: OPERATIONS.multi,
      value: operations.map((operation) => this.#encoded(operation)),
      read: (body) => OPERATIONS.multi.reply.read(body),
    });
    results.forEach((result, index) => {
      // Those before and after the one that failed have codes without meaning.
      const { type, path } = operations[index] ?? { type: 'multi', path: '/' };
      if (
        result.type === 'error' &&
        result.code !== RESULT_CODES.ok &&
        result.code !== RESULT_CODES.runtimeInconsistency
      ) {
        throw errorOfCode(result.code, type, path, this.#canProve);
      }
    });
  }

  replaceSession(why: string): Promise<void> {
    return this.#session.replace(why);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#presumeLost);
    // First of all nobody here believes in the session any more.
    this.#change({ state: 'closed', epoch: this.connection.epoch });
    this.#connection$.complete();
    await this.#session.close();
  }

  #warnOfWeakness(): void {
    const { credentials, tls } = this.#options;
    if (credentials && !tls) {
      this.#log.warn(
        'The password of the option credentials is sent to ZooKeeper without ' +
          'encryption: whoever sees the network can read it. Set the option tls, ' +
          'or use the option sasl instead',
      );
    }
    if (tls?.trustsAnybody) {
      this.#log.warn(
        'The option tls.rejectUnauthorized is false: whoever answers is taken ' +
          'for ZooKeeper, and is shown what belongs to it. Set tls.ca instead',
      );
    }
  }

  get #canProve(): boolean {
    const { credentials, sasl, tls } = this.#options;
    return Boolean(credentials ?? sasl ?? tls?.hasCertificate);
  }

  #encoded(operation: TransactionOperation): MultiOperation {
    const { path } = operation;
    switch (operation.type) {
      case 'create': {
        const { data, mode, acl = this.#options.acl } = operation;
        const type = mode === 'container' ? 'createContainer' : 'create';
        return {
          type,
          path,
          data,
          acl: ACLS[acl],
          flags: CREATE_FLAGS[mode],
        };
      }
      case 'set': {
        const { data, version = -1 } = operation;
        return { type: 'setData', path, data, version };
      }
      default:
        return { type: operation.type, path, version: operation.version ?? -1 };
    }
  }

  #read<Answer>(
    operation: string,
    type: typeof OPERATIONS.getData | typeof OPERATIONS.getChildren2,
    kind: WatchKind,
    path: string,
    watcher: NodeWatcher | undefined,
    read: (body: JuteReader) => Answer,
  ): Promise<Answer> {
    return this.#request({
      operation,
      path,
      type,
      value: { path, watch: watcher !== undefined },
      read,
      ...(watcher && { watch: { kind, watcher } }),
    });
  }

  #request<Value, Answer>(
    request: ServerRequest<Value, Answer>,
  ): Promise<Answer> {
    const { operation, path, value } = request;
    const problem = describeRequestProblem(path, value);
    if (problem !== undefined) {
      return refuse('BAD_ARGUMENTS', operation, path, problem);
    }
    if (this.#closed) {
      const why = 'the ZooKeeper client is closed';
      return refuse('CLOSED', operation, path, why);
    }
    const { connection } = this.#session;
    if (!connection) {
      const why = `there is no connection to ZooKeeper (${this.connection.state})`;
      return refuse('CONNECTION_LOSS', operation, path, why);
    }
    return connection.request(request);
  }

  #connected({
    id: sessionId,
    sessionTimeoutMs,
    server,
    isResumed,
  }: ConnectedSession): void {
    clearTimeout(this.#presumeLost);
    this.#log.connected(
      formatServer(server),
      sessionId,
      sessionTimeoutMs,
      isResumed,
    );
    this.#change({
      state: 'connected',
      epoch: this.connection.epoch + 1,
      sessionId,
      sessionTimeoutMs,
    });
  }

  /** The connection is gone; the session may come back. */
  #suspended(reason: string, isAfterStall: boolean): void {
    const { state, epoch, sessionId, sessionTimeoutMs } = this.connection;
    if (
      state !== 'connected' ||
      sessionId === undefined ||
      sessionTimeoutMs === undefined
    ) {
      return;
    }
    this.#log.suspended(reason);
    this.#presumeLost = setTimeout(() => {
      this.#log.presumedLost(sessionTimeoutMs);
      this.#change({ state: 'lost', epoch });
    }, sessionTimeoutMs);
    this.#change({
      state: 'suspended',
      epoch,
      sessionId,
      sessionTimeoutMs,
      isAfterStall,
    });
  }

  #lost(code: 'SESSION_EXPIRED' | 'AUTH_FAILED', why: string): void {
    if (this.#closed) {
      return;
    }
    clearTimeout(this.#presumeLost);
    this.#log.lost(code, why);
    this.#change({
      state: 'lost',
      epoch: this.connection.epoch,
      problem: new ZookeeperError(code, why),
    });
  }

  #unreachable(reasons: readonly string[], isOfTls: boolean): void {
    if (this.#closed) {
      return;
    }
    const text = this.#log.unreachable(reasons, isOfTls);
    if (isOfTls && this.connection.state !== 'connected') {
      const problem = new ZookeeperError('TLS_FAILED', text);
      this.#change({ ...this.connection, problem });
    }
  }

  #change(connection: Connection): void {
    this.#connection$.next(Object.freeze(connection));
  }
}

/** Who the servers take this client for, in words. */
function identityOf({ credentials, sasl }: WireClientOptions): string {
  if (credentials) {
    return `the user "${credentials.username}" of the option credentials`;
  }
  if (sasl) {
    return 'username' in sasl
      ? `the user "${sasl.username}" of the option sasl`
      : 'the user of the option sasl';
  }
  return 'the certificate of the option tls';
}

function refuse(
  code: ZookeeperErrorCode,
  operation: string,
  path: unknown,
  why: string,
): Promise<never> {
  return Promise.reject(refusal(code, operation, path, why));
}

function refusal(
  code: ZookeeperErrorCode,
  operation: string,
  path: unknown,
  why: string,
): ZookeeperError {
  const text = typeof path === 'string' ? path : typeof path;
  return new ZookeeperError(code, `${operation} ${text}: ${why}`, text);
}
