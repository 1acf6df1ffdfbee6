import type { Observable } from 'rxjs';
import { CreatorNodes, type ClosedPaths } from './access/creator-nodes.js';
import { CREATOR_ALL, OPEN, type Acl } from './codec/acl.record.js';
import { CREATE_FLAGS } from './codec/opcodes.js';
import { OPERATIONS, type Operation } from './codec/operations.js';
import type { ClientNotice } from './connection-log.js';
import { ConnectionStates } from './connection-states.js';
import { describeRequestProblem } from './request-check.js';
import type { ServerRequest } from './session/server-connection.js';
import { Session, type SessionOptions } from './session/session.js';
import type {
  ChildList,
  ClosedNodes,
  Connection,
  CreateMode,
  NodeAcl,
  NodeContent,
  NodeStat,
  NodeWatcher,
  ZookeeperClient,
} from './zookeeper-client.interface.js';
import { ZookeeperError, requestError } from './zookeeper.error.js';

export interface WireClientOptions extends SessionOptions {
  /** Of the nodes that it creates. */
  readonly acl: NodeAcl;
  /** Below it everything is closed to others, if `acl` is `creator`. */
  readonly paths: ClosedPaths;
  /** Told about what an operator should know; the client itself is silent. */
  readonly onNotice?: (notice: ClientNotice) => void;
}

/** The library's own {@link ZookeeperClient}: speaks ZooKeeper's protocol. */
export class WireClient implements ZookeeperClient {
  readonly #options: WireClientOptions;
  readonly #states: ConnectionStates;
  readonly #session: Session;
  readonly #acl: Acl;
  readonly access: ClosedNodes | undefined;
  #isStarted = false;
  #closed: Promise<void> | undefined;

  constructor(options: WireClientOptions) {
    this.#options = options;
    this.#states = new ConnectionStates(options.onNotice);
    this.#session = new Session(options, this.#states);
    this.#acl = options.acl === 'creator' ? CREATOR_ALL : OPEN;
    if (options.acl === 'creator') {
      this.access = new CreatorNodes({
        paths: options.paths,
        identity: identityOf(options),
        create: (path, acl, mode) => this.create(path, '', mode, acl),
        getAcl: (path) =>
          this.#request('getAcl', path, OPERATIONS.getAcl, { path }),
        setAcl: (path, acl) => {
          const value = { path, acl, version: -1 };
          return this.#request('setAcl', path, OPERATIONS.setAcl, value);
        },
        onWarning: (text) => this.#states.log.warn(text),
      });
    }
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
    acl = this.#acl,
  ): Promise<string> {
    const type =
      mode === 'container' ? OPERATIONS.createContainer : OPERATIONS.create;
    const value = { path, data, acl, flags: CREATE_FLAGS[mode] };
    return this.#request('create', path, type, value);
  }

  get(path: string, watcher?: NodeWatcher): Promise<NodeContent> {
    const value = { path, watch: watcher !== undefined };
    const watch = watcher && ({ kind: 'data', watcher } as const);
    return this.#request('get', path, OPERATIONS.getData, value, watch);
  }

  getChildren(path: string, watcher?: NodeWatcher): Promise<ChildList> {
    const value = { path, watch: watcher !== undefined };
    const watch = watcher && ({ kind: 'children', watcher } as const);
    const type = OPERATIONS.getChildren2;
    return this.#request('getChildren', path, type, value, watch);
  }

  unwatch(path: string, watcher: NodeWatcher): void {
    this.#session.connection?.unwatch(path, watcher);
  }

  set(path: string, data: string, version = -1): Promise<NodeStat> {
    const value = { path, data, version };
    return this.#request('set', path, OPERATIONS.setData, value);
  }

  delete(path: string, version = -1): Promise<void> {
    const value = { path, version };
    return this.#request('delete', path, OPERATIONS.delete, value);
  }

  sync(path: string): Promise<void> {
    return this.#request('sync', path, OPERATIONS.sync, { path });
  }

  expectHeartbeats(areExpected: boolean): void {
    this.#session.connection?.expectHeartbeats(areExpected);
  }

  unheardMs(reportMs: number): number {
    return this.#session.connection?.unheardMs(reportMs) ?? 0;
  }

  replaceSession(why: string): Promise<void> {
    return this.#session.replace(why);
  }

  close(): Promise<void> {
    if (!this.#closed) {
      // First of all nobody here believes in the session any more.
      this.#states.close();
      this.#closed = this.#session.close();
    }
    return this.#closed;
  }

  #warnOfWeakness(): void {
    const { credentials, tls } = this.#options;
    if (credentials && !tls) {
      this.#states.log.warn(
        'The password of the option credentials is sent to ZooKeeper without ' +
          'encryption: anybody on the network can read it. Set the option tls, ' +
          'or use the option sasl instead',
      );
    }
    if (tls?.trustsAnybody) {
      this.#states.log.warn(
        'The option tls.rejectUnauthorized is false: any server that answers is ' +
          'taken for ZooKeeper, and gets its secrets. Set tls.ca instead',
      );
    }
  }

  #request<Value, Answer>(
    operation: string,
    path: string,
    type: Operation<Value, Answer>,
    value: Value,
    watch?: ServerRequest<Value, Answer>['watch'],
  ): Promise<Answer> {
    const request = { operation, path, type, value, read: type.read, watch };
    const problem = describeRequestProblem(path, value);
    if (problem !== undefined) {
      return Promise.reject(requestError('BAD_ARGUMENTS', request, problem));
    }
    const connection = this.#closed ? undefined : this.#session.connection;
    return (
      connection?.request(request) ??
      Promise.reject(this.#states.refusal(request))
    );
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
