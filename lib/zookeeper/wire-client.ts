import type { Observable } from 'rxjs';
import { CreatorNodes } from './access/creator-nodes.js';
import { CREATOR_ALL, OPEN, type Acl } from './codec/acl.record.js';
import { texts } from './codec/node.records.js';
import { CREATE_FLAGS } from './codec/opcodes.js';
import { OPERATIONS } from './codec/operations.js';
import { stat } from './codec/stat.record.js';
import type { ClientNotice } from './connection-log.js';
import { ConnectionStates } from './connection-states.js';
import type { NodePaths } from './node-paths.js';
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
  readonly paths: NodePaths;
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
        request: (request) => this.#request(request),
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

  create(path: string, data: string, mode: CreateMode): Promise<string> {
    return this.#request({
      operation: 'create',
      path,
      type:
        mode === 'container' ? OPERATIONS.createContainer : OPERATIONS.create,
      value: { path, data, acl: this.#acl, flags: CREATE_FLAGS[mode] },
      // A container is answered with its status, too.
      read: (body) => body.text(),
    });
  }

  get(path: string, watcher?: NodeWatcher): Promise<NodeContent> {
    return this.#request({
      operation: 'get',
      path,
      type: OPERATIONS.getData,
      value: { path, watch: watcher !== undefined },
      read: (body) => ({ data: body.text(), stat: stat.read(body) }),
      watch: watcher && { kind: 'data', watcher },
    });
  }

  getChildren(path: string, watcher?: NodeWatcher): Promise<ChildList> {
    return this.#request({
      operation: 'getChildren',
      path,
      type: OPERATIONS.getChildren2,
      value: { path, watch: watcher !== undefined },
      read: (body) => ({ children: texts.read(body), stat: stat.read(body) }),
      watch: watcher && { kind: 'children', watcher },
    });
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

  expectHeartbeats(areExpected: boolean): void {
    this.#session.connection?.expectHeartbeats(areExpected);
  }

  replaceSession(why: string): Promise<void> {
    return this.#session.replace(why);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    // First of all nobody here believes in the session any more.
    this.#states.close();
    await this.#session.close();
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
    request: ServerRequest<Value, Answer>,
  ): Promise<Answer> {
    const { path, value } = request;
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
