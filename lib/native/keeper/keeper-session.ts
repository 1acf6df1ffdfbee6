import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerEndpoint } from '../../zookeeper/connection/frame-connection.js';
import { formatServer } from '../../zookeeper/connection-string.js';
import { Deferred } from '../../deferred.js';
import {
  LEAST_SUCCESS_MS,
  ServerList,
} from '../../zookeeper/session/server-list.js';
import {
  connectTimeoutMs,
  retryPauseMs,
} from '../../zookeeper/session/session-timing.js';
import { settledWithin } from '../../within.js';
import { NativeConnection } from './native-connection.js';
import type { NativeBindingClass } from './native-zookeeper.js';
import type {
  FromKeeper,
  OpenMessage,
  KeptSession,
  RequestsMessage,
} from './protocol.js';

/**
 * Holds one session: connects, connects again when the connection breaks, and
 * starts a new session when the old one has expired. Decides nothing else.
 */
export class KeeperSession {
  readonly #Native: NativeBindingClass;
  readonly #options: OpenMessage;
  readonly #send: (message: FromKeeper) => void;
  readonly #servers: ServerList;
  #disconnectedAtMs = performance.now();
  #session: KeptSession | undefined;
  #connection: NativeConnection | undefined;
  #connectionCount = 0;
  /** Set while the session is being ended and must not be used any more. */
  #ending: Deferred | undefined;

  constructor(
    Native: NativeBindingClass,
    options: OpenMessage,
    send: (message: FromKeeper) => void,
  ) {
    this.#Native = Native;
    this.#options = options;
    this.#send = send;
    this.#session = options.session;
    this.#servers = new ServerList(options.servers);
  }

  /** Keeps a session connected for as long as this process lives. */
  async run(): Promise<void> {
    const { sessionTimeoutMs, servers } = this.#options;
    for (;;) {
      const timeoutMs = connectTimeoutMs(
        sessionTimeoutMs,
        servers.length,
        this.#servers.failedRounds,
      );
      const server = await this.#servers.next(timeoutMs);
      if (server) {
        await this.#use(server, timeoutMs);
      } else {
        const reasons = this.#servers.takeFailures();
        this.#send({ type: 'unreachable', reasons });
        const outageMs = performance.now() - this.#disconnectedAtMs;
        await sleep(retryPauseMs(outageMs, sessionTimeoutMs));
      }
    }
  }

  /** Sends requests over the connection that they are meant for, or not at all. */
  send({ connection, requests }: RequestsMessage): void {
    if (connection === this.#connectionCount) {
      requests.forEach((request) => this.#connection?.send(request));
    }
  }

  /** Ends this session, if it is still that one, and goes on with another. */
  replace(sessionId: string): void {
    if (this.#session?.id === sessionId) {
      void this.end();
    }
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
      await settledWithin([this.#ending.promise], session.timeoutMs);
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
      this.#send({ type: 'expired', sessionId: session.id });
    }
  }

  /** Tries one server and, if it takes us, stays until the connection ends. */
  async #use(server: ServerEndpoint, timeoutMs: number): Promise<void> {
    const { sessionTimeoutMs } = this.#options;
    const asked = this.#session;
    let connectedAtMs: number | undefined;
    const connection = new NativeConnection(this.#Native, {
      server,
      sessionTimeoutMs,
      connectTimeoutMs: timeoutMs,
      session: asked,
      send: this.#send,
      onConnected: (session) => {
        connectedAtMs = performance.now();
        if (this.#ending || asked !== this.#session) {
          // Given up in the meantime.
          connection.close();
          this.#forgetSession();
          return;
        }
        this.#session = session;
        this.#connection = connection;
        this.#connectionCount += 1;
        this.#send({
          type: 'connected',
          connection: this.#connectionCount,
          session,
          server: formatServer(server),
        });
      },
    });
    const end = await connection.ended;
    const nowMs = performance.now();
    this.#connection = undefined;
    if (end === 'expired') {
      this.#forgetSession();
    }
    if (connectedAtMs !== undefined) {
      this.#disconnectedAtMs = nowMs;
      if (nowMs - connectedAtMs >= LEAST_SUCCESS_MS) {
        this.#servers.succeeded(server, 'last');
      }
      if (this.#session) {
        const reason = `${formatServer(server)} does not answer, or hung up`;
        this.#send({ type: 'suspended', reason });
      }
    } else if (end === 'disconnected') {
      this.#servers.failed(server, 'does not answer');
    }
  }
}
