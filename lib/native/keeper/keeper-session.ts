import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerEndpoint } from '../../zookeeper/connection/frame-connection.js';
import { formatServer } from '../../zookeeper/connection-string.js';
import { Deferred } from '../../zookeeper/session/deferred.js';
import {
  LEAST_SUCCESS_MS,
  ServerList,
} from '../../zookeeper/session/server-list.js';
import { retryPauseMs } from '../../zookeeper/session/session-timing.js';
import { settledWithin } from '../../within.js';
import { NativeConnection } from './native-connection.js';
import type { NativeBindingClass } from './native-zookeeper.js';
import type {
  FromKeeper,
  OpenMessage,
  ReplyTuple,
  RequestTuple,
  SessionCredentials,
  WatchTuple,
} from './protocol.js';

/** A connection attempt may take this long; longer after failed rounds. */
const CONNECT_TIMEOUT_MS = 1_000;
const LONGEST_CONNECT_TIMEOUT_MS = 10_000;
const LOOKUP_TIMEOUT_MS = 500;

export interface KeeperSessionEvents {
  onMessage(message: FromKeeper): void;
  onItem(item: ReplyTuple | WatchTuple): void;
}

/**
 * Holds one session: connects, connects again when the connection breaks, and
 * starts a new session when the old one has expired. Decides nothing else.
 */
export class KeeperSession {
  readonly #Native: NativeBindingClass;
  readonly #options: OpenMessage;
  readonly #events: KeeperSessionEvents;
  readonly #servers: ServerList;
  #disconnectedAtMs = performance.now();
  #session: SessionCredentials | undefined;
  #sessionTimeoutMs: number;
  #connection: NativeConnection | undefined;
  #connectionCount = 0;
  /** Set while the session is being ended and must not be used any more. */
  #ending: Deferred | undefined;

  constructor(
    Native: NativeBindingClass,
    options: OpenMessage,
    events: KeeperSessionEvents,
  ) {
    this.#Native = Native;
    this.#options = options;
    this.#events = events;
    this.#session = options.session;
    this.#sessionTimeoutMs = options.sessionTimeoutMs;
    this.#servers = new ServerList(options.servers);
  }

  /** Keeps a session connected for as long as this process lives. */
  async run(): Promise<void> {
    for (;;) {
      await this.#connectOnce();
    }
  }

  /** Sends a request over connection number `connection`, or not at all. */
  send(request: RequestTuple, connection: number): void {
    if (connection === this.#connectionCount) {
      this.#connection?.send(request);
    }
  }

  get awaitedReplies(): number {
    return this.#connection?.awaitedReplies ?? 0;
  }

  get sessionId(): string | undefined {
    return this.#session?.id;
  }

  /**
   * Ends the session. One that is out of reach is tried to be reached until it
   * must have expired: an instance that goes down together with its ZooKeeper
   * server should not keep the next one waiting.
   */
  async end(): Promise<void> {
    const session = this.#session;
    if (session && !this.#connection) {
      this.#ending ??= new Deferred();
      await settledWithin([this.#ending.promise], this.#sessionTimeoutMs);
    }
    if (this.#session === session) {
      this.#connection?.close();
      this.#forgetSession();
    }
  }

  #forgetSession(): void {
    const session = this.#session;
    this.#session = undefined;
    this.#ending?.resolve();
    this.#ending = undefined;
    if (session) {
      this.#events.onMessage({ type: 'expired', sessionId: session.id });
    }
  }

  /** Tries one server and, if it takes us, stays until the connection ends. */
  async #connectOnce(): Promise<void> {
    const server = await this.#nextServer();
    const asked = this.#session;
    const connection = new NativeConnection(this.#Native, {
      server,
      sessionTimeoutMs: this.#options.sessionTimeoutMs,
      connectTimeoutMs: Math.min(
        LONGEST_CONNECT_TIMEOUT_MS,
        CONNECT_TIMEOUT_MS * (1 + this.#servers.failedRounds),
      ),
      session: asked,
      onItem: (item) => this.#events.onItem(item),
    });
    const isConnected = await connection.open();
    if (isConnected && (this.#ending || asked !== this.#session)) {
      // Given up in the meantime.
      connection.close();
      this.#forgetSession();
    } else if (isConnected) {
      await this.#stay(connection, server);
    } else if ((await connection.ended) === 'expired') {
      this.#forgetSession();
    } else {
      this.#servers.failed(server, 'does not answer');
    }
  }

  async #stay(
    connection: NativeConnection,
    server: ServerEndpoint,
  ): Promise<void> {
    const connectedAtMs = performance.now();
    const { session, sessionTimeoutMs } = connection;
    this.#connection = connection;
    this.#connectionCount += 1;
    this.#session = session;
    this.#sessionTimeoutMs = sessionTimeoutMs;
    this.#events.onMessage({
      type: 'connected',
      connection: this.#connectionCount,
      session,
      sessionTimeoutMs,
      server: formatServer(server),
    });
    const end = await connection.ended;
    this.#connection = undefined;
    this.#disconnectedAtMs = performance.now();
    if (this.#disconnectedAtMs - connectedAtMs >= LEAST_SUCCESS_MS) {
      this.#servers.succeeded(server, 'last');
    }
    if (end === 'expired') {
      this.#forgetSession();
    } else if (this.#session) {
      const reason = `${formatServer(server)} does not answer, or hung up`;
      this.#events.onMessage({ type: 'suspended', reason });
    }
  }

  /** The next server to try; waits where all have been tried in vain. */
  async #nextServer(): Promise<ServerEndpoint> {
    for (;;) {
      const endpoint = await this.#servers.next(LOOKUP_TIMEOUT_MS);
      if (endpoint) {
        return endpoint;
      }
      const reasons = this.#servers.takeFailures();
      this.#events.onMessage({ type: 'unreachable', reasons });
      const outageMs = performance.now() - this.#disconnectedAtMs;
      await sleep(retryPauseMs(outageMs, this.#options.sessionTimeoutMs));
    }
  }
}
