import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerEndpoint } from '../../zookeeper/connection/frame-connection.js';
import { formatServer } from '../../zookeeper/connection-string.js';
import { ServerList } from '../../zookeeper/session/server-list.js';
import { retryPauseMs } from '../../zookeeper/session/session-timing.js';
import {
  NativeConnection,
  type ConnectionEnd,
  type ReportItem,
} from './native-connection.js';
import type { NativeBindingClass } from './native-zookeeper.js';
import type {
  FromKeeper,
  OpenMessage,
  RequestTuple,
  SessionCredentials,
} from './protocol.js';

const CODE_CONNECTION_LOSS = -4;
const CODE_TIMEOUT = -7;

/** A connection attempt may take this long; longer after failed rounds. */
const CONNECT_TIMEOUT_MS = 1_000;
const LONGEST_CONNECT_TIMEOUT_MS = 10_000;
const LOOKUP_TIMEOUT_MS = 500;
/** A connection that was shorter does not count as a success. */
const LEAST_SUCCESS_MS = 1_000;

/** What the session reports: everything but the keeper's own messages. */
type Report = (message: FromKeeper) => void;

/**
 * Holds one session: connects, connects again when the connection breaks,
 * starts a new session when the old one has expired. Decides nothing else.
 */
export class KeeperSession {
  readonly #Native: NativeBindingClass;
  readonly #options: OpenMessage;
  readonly #report: Report;
  readonly #reportItem: ReportItem;
  readonly #closing = new AbortController();
  readonly #servers: ServerList;
  #disconnectedAtMs = performance.now();
  #session: SessionCredentials | undefined;
  #sessionTimeoutMs: number;
  #connection: NativeConnection | undefined;
  #connectionCount = 0;
  /** Set while the session is being ended and must not be used any more. */
  #ending: { readonly done: Promise<void>; settle(): void } | undefined;
  /** Set while the application shows no life; called when it does again. */
  #resume: (() => void) | undefined;
  #whenResumed: Promise<void> | undefined;
  #isExpiryDoubted = false;

  constructor(
    Native: NativeBindingClass,
    options: OpenMessage,
    report: Report,
    reportItem: ReportItem,
  ) {
    this.#Native = Native;
    this.#options = options;
    this.#report = report;
    this.#reportItem = reportItem;
    this.#session = options.session;
    this.#sessionTimeoutMs = options.sessionTimeoutMs;
    this.#servers = new ServerList(options.servers);
  }

  /** Keeps the session connected until {@link close}. */
  async run(): Promise<void> {
    const { signal } = this.#closing;
    const sweepMs = this.#options.sessionTimeoutMs;
    const sweep = setInterval(() => {
      this.#connection?.expireRequests(sweepMs, CODE_TIMEOUT);
    }, sweepMs / 4);
    try {
      while (!signal.aborted) {
        if (!this.#ending) {
          await this.#whenResumed;
        }
        await this.#connectOnce();
      }
    } catch (error) {
      if (!signal.aborted) {
        throw error;
      }
    } finally {
      clearInterval(sweep);
    }
  }

  /** Sends a request over connection number `connection`, or over none. */
  send(request: RequestTuple, connection: number): void {
    if (this.#connection && connection === this.#connectionCount) {
      this.#connection.send(request);
    } else {
      this.#reportItem([request[0], CODE_CONNECTION_LOSS], false);
    }
  }

  /** Number of requests that have not been answered. */
  get awaitedReplies(): number {
    return this.#connection?.awaitedReplies ?? 0;
  }

  /**
   * Gives the session up on behalf of an application that shows no sign of
   * life, and waits for one before it starts another.
   */
  surrender(cause: 'stall' | 'replaced'): void {
    this.#whenResumed ??= new Promise((resolve) => {
      this.#resume = resolve;
    });
    if (this.#session) {
      this.#report({ type: 'expired', cause });
    }
    void this.#endSession();
  }

  /** The application is back. */
  resume(): void {
    this.#resume?.();
    this.#resume = undefined;
    this.#whenResumed = undefined;
  }

  /** Whether there is a session that cannot be ended at once. */
  get isOutOfReach(): boolean {
    return this.#session !== undefined && !this.#connection;
  }

  /**
   * Ends the session. One that is out of reach is tried to be reached until it
   * must have expired: an instance that goes down together with its ZooKeeper
   * server should not keep the next one waiting.
   */
  async close(): Promise<void> {
    await this.#endSession();
    this.#closing.abort();
    this.#connection?.close();
  }

  async #endSession(): Promise<void> {
    if (this.#connection) {
      this.#connection.close();
      this.#session = undefined;
      return;
    }
    if (!this.#session) {
      return;
    }
    if (!this.#ending) {
      let settle = (): void => undefined;
      const done = new Promise<void>((resolve) => {
        settle = resolve;
      });
      const expiry = setTimeout(() => this.#ended(), this.#sessionTimeoutMs);
      this.#ending = {
        done,
        settle: () => {
          clearTimeout(expiry);
          settle();
        },
      };
    }
    await this.#ending.done;
  }

  #ended(): void {
    this.#session = undefined;
    this.#isExpiryDoubted = false;
    const ending = this.#ending;
    this.#ending = undefined;
    ending?.settle();
  }

  /** Tries one server and, if it takes us, stays until the connection ends. */
  async #connectOnce(): Promise<void> {
    const server = await this.#nextServer();
    const attempted = this.#session;
    const connection = this.#newConnection(server);
    const isConnected = await connection.open();
    if (this.#closing.signal.aborted) {
      connection.close();
    } else if (!isConnected) {
      this.#handleFailure(await connection.ended, server);
    } else if (
      this.#ending ||
      this.#resume ||
      // Given up in the meantime.
      attempted !== this.#session
    ) {
      // Ends the session, too.
      connection.close();
      this.#ended();
    } else {
      await this.#stay(connection, server);
    }
  }

  async #stay(
    connection: NativeConnection,
    server: ServerEndpoint,
  ): Promise<void> {
    const connectedAt = performance.now();
    this.#connection = connection;
    this.#connectionCount += 1;
    this.#session = connection.session;
    this.#sessionTimeoutMs = connection.sessionTimeoutMs;
    this.#isExpiryDoubted = false;
    this.#report({
      type: 'connected',
      connection: this.#connectionCount,
      session: connection.session,
      sessionTimeoutMs: connection.sessionTimeoutMs,
      server: formatServer(server),
    });
    const end = await connection.ended;
    this.#connection = undefined;
    this.#disconnectedAtMs = performance.now();
    if (this.#disconnectedAtMs - connectedAt >= LEAST_SUCCESS_MS) {
      this.#servers.succeeded();
      this.#servers.restart(server, 'last');
    }
    if (end !== 'disconnected') {
      this.#handleFailure(end, server);
    } else if (this.#session) {
      this.#report({ type: 'suspended' });
    }
  }

  #handleFailure(end: ConnectionEnd, server: ServerEndpoint): void {
    if (end === 'disconnected') {
      this.#servers.failed(server, 'does not answer');
    } else if (this.#ending) {
      this.#ended();
    } else if (this.#isExpiryDoubted || !this.#session) {
      this.#isExpiryDoubted = false;
      this.#session = undefined;
      this.#report({ type: 'expired', cause: 'server' });
    } else {
      // The native client has called live sessions expired: the next attempt
      // asks once more, with the same session id, before it is believed.
      this.#isExpiryDoubted = true;
      this.#report({ type: 'suspended' });
    }
  }

  /** The next server to try; waits where all have been tried in vain. */
  async #nextServer(): Promise<ServerEndpoint> {
    const { signal } = this.#closing;
    for (;;) {
      const endpoint = await this.#servers.next(LOOKUP_TIMEOUT_MS);
      if (endpoint) {
        return endpoint;
      }
      this.#report({
        type: 'unreachable',
        reason: this.#servers.takeFailures().join('; '),
      });
      const outageMs = performance.now() - this.#disconnectedAtMs;
      const pauseMs = retryPauseMs(outageMs, this.#options.sessionTimeoutMs);
      await sleep(pauseMs, undefined, { signal });
    }
  }

  #newConnection(server: ServerEndpoint): NativeConnection {
    return new NativeConnection(this.#Native, {
      server,
      sessionTimeoutMs: this.#options.sessionTimeoutMs,
      connectTimeoutMs: Math.min(
        LONGEST_CONNECT_TIMEOUT_MS,
        CONNECT_TIMEOUT_MS * (1 + this.#servers.failedRounds),
      ),
      onItem: this.#reportItem,
      ...(this.#session && { session: this.#session }),
    });
  }
}
