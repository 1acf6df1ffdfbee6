import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection, type ConnectionEnd } from './native-connection.js';
import type { NativeZookeeperClass } from './native-zookeeper.js';
import { ServerRotation } from './server-rotation.js';
import type {
  FromKeeper,
  OpenMessage,
  ReplyTuple,
  RequestTuple,
  SessionCredentials,
  WatchTuple,
} from './protocol.js';

const CODE_CONNECTION_LOSS = -4;
const CODE_TIMEOUT = -7;

/** A connection attempt may take this long; longer after failed rounds. */
const CONNECT_TIMEOUT_MS = 1_000;
const LONGEST_CONNECT_TIMEOUT_MS = 10_000;

/** Wrong credentials do not become right quickly. */
const AUTH_RETRY_MS = 5_000;

/** What the session reports: everything but the keeper's own messages. */
type Report = (message: FromKeeper) => void;
type ReportItem = (item: ReplyTuple | WatchTuple) => void;

/**
 * Holds one session: connects, connects again when the connection breaks,
 * starts a new session when the old one has expired. Decides nothing else.
 */
export class KeeperSession {
  readonly #Native: NativeZookeeperClass;
  readonly #options: OpenMessage;
  readonly #report: Report;
  readonly #reportItem: ReportItem;
  readonly #closing = new AbortController();
  readonly #servers: ServerRotation;
  #session: SessionCredentials | undefined;
  #connection: NativeConnection | undefined;
  /** Set while the session is surrendered; called when the application is back. */
  #resume: (() => void) | undefined;
  #isExpiryDoubted = false;
  #isEnding = false;
  #whenStopped: Promise<void> = Promise.resolve();

  constructor(
    Native: NativeZookeeperClass,
    options: OpenMessage,
    report: Report,
    reportItem: ReportItem,
  ) {
    this.#Native = Native;
    this.#options = options;
    this.#report = report;
    this.#reportItem = reportItem;
    this.#session = options.session;
    this.#servers = new ServerRotation(
      options.servers,
      Math.min(1_000, options.sessionTimeoutMs / 4),
      (reason) => report({ type: 'unreachable', reason }),
    );
  }

  /** Keeps the session connected until {@link close}. */
  async run(): Promise<void> {
    this.#whenStopped = this.#keepConnected();
    await this.#whenStopped;
  }

  async #keepConnected(): Promise<void> {
    const sweepMs = this.#options.sessionTimeoutMs;
    const sweep = setInterval(() => {
      this.#connection?.expireRequests(sweepMs, CODE_TIMEOUT);
    }, sweepMs / 4);
    try {
      while (!this.#closing.signal.aborted) {
        await this.#connectOnce();
      }
    } catch (error) {
      if (!this.#closing.signal.aborted) {
        throw error;
      }
    } finally {
      clearInterval(sweep);
    }
  }

  send(request: RequestTuple): void {
    if (this.#connection) {
      this.#connection.send(request);
    } else {
      this.#reportItem([request[0], CODE_CONNECTION_LOSS]);
    }
  }

  /**
   * Gives the session up on behalf of an application that shows no sign of
   * life, and waits for one before it starts another.
   */
  surrender(): void {
    this.#session = undefined;
    this.#report({ type: 'expired', cause: 'stall' });
    this.#resume ??= () => undefined;
    this.#connection?.close();
  }

  /** The application is back. */
  resume(): void {
    this.#resume?.();
    this.#resume = undefined;
  }

  /**
   * Ends the session. One that is out of reach is tried to be reached until it
   * must have expired: an instance that goes down together with ZooKeeper's
   * leader should not keep the next one waiting.
   */
  async close(): Promise<void> {
    if (!this.#connection && this.#session) {
      this.#isEnding = true;
      await Promise.race([
        this.#whenStopped,
        sleep(this.#options.sessionTimeoutMs),
      ]);
    }
    this.#closing.abort();
    this.#connection?.close();
  }

  /** Tries one server and, if it takes us, stays until the connection ends. */
  async #connectOnce(): Promise<void> {
    await this.#whileSurrendered();
    const address = await this.#servers.next(this.#closing.signal);
    const connection = this.#newConnection(address);
    const isConnected = await connection.open();
    if (isConnected && this.#isEnding) {
      this.#closing.abort();
    }
    if (this.#closing.signal.aborted || this.#resume) {
      connection.close();
      return;
    }
    if (!isConnected) {
      await this.#handleFailure(await connection.ended, address);
      return;
    }
    const connectedAt = performance.now();
    this.#connection = connection;
    this.#session = connection.session;
    this.#isExpiryDoubted = false;
    this.#report({
      type: 'connected',
      session: connection.session,
      sessionTimeoutMs: connection.sessionTimeoutMs,
      server: address,
    });
    const end = await connection.ended;
    this.#connection = undefined;
    this.#servers.disconnected(address, performance.now() - connectedAt);
    if (end === 'disconnected' && this.#session) {
      this.#report({ type: 'suspended' });
    } else if (end !== 'disconnected') {
      await this.#handleFailure(end, address);
    }
  }

  async #handleFailure(end: ConnectionEnd, address: string): Promise<void> {
    if (end === 'auth-failed') {
      this.#report({ type: 'auth-failed' });
      await sleep(AUTH_RETRY_MS, undefined, { signal: this.#closing.signal });
    } else if (end === 'disconnected') {
      this.#report({ type: 'unreachable', reason: `no answer at ${address}` });
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

  /** Stays here until the application shows a sign of life again. */
  async #whileSurrendered(): Promise<void> {
    if (this.#resume) {
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
        this.#closing.signal.addEventListener('abort', () => resolve(), {
          once: true,
        });
      });
    }
  }

  #newConnection(address: string): NativeConnection {
    return new NativeConnection(this.#Native, {
      address,
      sessionTimeoutMs: this.#options.sessionTimeoutMs,
      connectTimeoutMs: Math.min(
        LONGEST_CONNECT_TIMEOUT_MS,
        CONNECT_TIMEOUT_MS * (1 + this.#servers.failedRounds),
      ),
      onItem: this.#reportItem,
      ...(this.#session && { session: this.#session }),
      ...(this.#options.digest !== undefined && {
        digest: this.#options.digest,
      }),
    });
  }
}
