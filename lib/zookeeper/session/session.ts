import { closeAtExit } from '../../at-exit.js';
import { Deferred } from '../../deferred.js';
import { settledWithin } from '../../within.js';
import { Xids } from '../codec/xids.js';
import { describeConnectFailure } from '../connection/describe-failure.js';
import {
  HungUpError,
  type FrameConnection,
  type ServerEndpoint,
} from '../connection/frame-connection.js';
import {
  canProve,
  readSecurity,
  type ConnectionSecurity,
  type SecuritySources,
} from '../connection-security.js';
import { formatServer, type ServerAddress } from '../connection-string.js';
import type { ConnectionStates } from '../connection-states.js';
import {
  Handshake,
  type ConnectionEnd,
  type GrantedSession,
} from '../handshake/handshake.js';
import type { SessionGuardian } from '../session-guardian.interface.js';
import { isZookeeperError } from '../zookeeper.error.js';
import {
  heldSession,
  lastZxidToSend,
  type HeldSession,
} from './held-session.js';
import { ServerConnection, SilenceError } from './server-connection.js';
import {
  LEAST_SUCCESS_MS,
  ServerList,
  type ResolveName,
} from './server-list.js';
import {
  SESSION_TIMEOUTS_TO_EXPIRY,
  connectTimeoutMs,
  retryPauseMs,
  timingOf,
} from './session-timing.js';

export interface SessionOptions extends SecuritySources {
  readonly servers: readonly ServerAddress[];
  readonly sessionTimeoutMs: number;
  readonly guardian?: SessionGuardian | undefined;
  /** For tests. */
  readonly resolveName?: ResolveName;
  /** Where the numbers of requests begin; for tests. */
  readonly firstXid?: number;
}

const AUTH_RETRY_MS = 5_000;
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * A session with ZooKeeper over whatever connection there is, and another
 * session when it is over. Only {@link close} and {@link replace} end one:
 * giving a connection up never does.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #states: ConnectionStates;
  readonly #servers: ServerList;
  readonly #xids: Xids;
  readonly #removals = {};
  #session: HeldSession | undefined;
  #released: Promise<void> | undefined;
  /** A connection that is being opened, or is open. */
  #open: Handshake | undefined;
  #live: ServerConnection | undefined;
  /** Since when there has been no connection. */
  #disconnectedAtMs = performance.now();
  #stalledAtMs = Number.NEGATIVE_INFINITY;
  #hasTlsTrouble = false;
  /** Set while the session is being ended and must not be used any more. */
  #ending: Deferred | undefined;
  #pause: Deferred | undefined;
  #isClosing = false;
  #isStopped = false;
  #forgetExit: (() => void) | undefined;

  constructor(options: SessionOptions, states: ConnectionStates) {
    this.#options = options;
    this.#states = states;
    this.#servers = new ServerList(options.servers, options.resolveName);
    this.#xids = new Xids(options.firstXid);
  }

  /** Keeps a session connected until {@link close}. */
  async run(): Promise<void> {
    this.#forgetExit = closeAtExit(() => this.#live?.closeSessionAtExit());
    while (!this.#isStopped && !(this.#isClosing && !this.#ending)) {
      await this.#tryNext();
    }
  }

  /** The connection in use; undefined while there is none. */
  get connection(): ServerConnection | undefined {
    return this.#isInUse ? this.#live : undefined;
  }

  /** There is a session that others know of, and that goes on. */
  get #isInUse(): boolean {
    return this.#session?.isAnnounced === true && !this.#ending;
  }

  /** Ends the session and goes on with a new one. Never rejects. */
  async replace(why: string): Promise<void> {
    const session = this.#session;
    if (!session || this.#ending || this.#isStopped) {
      return;
    }
    this.#states.lost('SESSION_EXPIRED', why);
    await settledWithin(
      [this.#endSession()],
      session.sessionTimeoutMs * SESSION_TIMEOUTS_TO_EXPIRY,
    );
    // Servers that were out of reach for so long have expired it.
    if (this.#session === session) {
      this.#hangUp();
      this.#forgetSession();
    }
  }

  /** Ends the session, or gives that up when no server answers. Never rejects. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await settledWithin([this.#endSession()], CLOSE_TIMEOUT_MS);
    this.#isStopped = true;
    this.#forgetExit?.();
    this.#hangUp();
    this.#pause?.resolve();
    // A session that has not ended is left to the guardian.
    await this.#released;
    await this.#options.guardian?.stop();
  }

  async #tryNext(): Promise<void> {
    const { servers, sessionTimeoutMs } = this.#options;
    const timeoutMs = connectTimeoutMs(
      this.#session?.sessionTimeoutMs ?? sessionTimeoutMs,
      servers.length,
      this.#servers.failedRounds,
    );
    const endpoint = await this.#servers.next(timeoutMs);
    if (this.#isStopped) {
      return;
    }
    if (endpoint) {
      await this.#use(endpoint, timeoutMs);
      return;
    }
    const failures = this.#servers.takeFailures();
    if (failures.length > 0) {
      this.#states.unreachable(failures, this.#hasTlsTrouble);
    }
    this.#hasTlsTrouble = false;
    await this.#sleep(retryPauseMs(this.#disconnectedMs, sessionTimeoutMs));
  }

  get #disconnectedMs(): number {
    return performance.now() - this.#disconnectedAtMs;
  }

  /** Connects to a server and stays until the connection ends. */
  async #use(endpoint: ServerEndpoint, timeoutMs: number): Promise<void> {
    let security: ConnectionSecurity;
    try {
      security = await readSecurity(this.#options);
    } catch (error) {
      this.#hasTlsTrouble = true;
      this.#servers.failed(
        endpoint,
        `was not tried: ${(error as Error).message}`,
      );
      return;
    }
    if (this.#isStopped) {
      return;
    }
    let readyAtMs: number | undefined;
    const finish = this.#ending && this.#session ? 'closeSession' : 'ping';
    const ended = new Deferred<ConnectionEnd>();
    const open = new Handshake({
      endpoint,
      security,
      session: this.#session,
      lastZxidSeen: lastZxidToSend(this.#session, this.#disconnectedMs),
      sessionTimeoutMs: this.#options.sessionTimeoutMs,
      connectTimeoutMs: timeoutMs,
      finish,
      onGranted: (session) => this.#granted(session),
      onDone: (frames) => {
        if (finish === 'closeSession') {
          this.#forgetSession();
          open.end(new Error('was closed'));
        } else {
          readyAtMs = performance.now();
          this.#ready(frames, security);
        }
      },
      onEnd: (why) => ended.resolve(why),
    });
    this.#open = open;
    const end = await ended.promise;
    this.#open = undefined;
    this.#disconnected(endpoint, end, readyAtMs);
    // A server has answered, and does not believe who we are.
    if (isZookeeperError(end, 'AUTH_FAILED')) {
      if (this.#ending) {
        // Nobody whom the servers refuse can end a session.
        this.#forgetSession();
        return;
      }
      this.#states.lost('AUTH_FAILED', end.message);
      await this.#sleep(AUTH_RETRY_MS);
    }
  }

  #granted(session: GrantedSession): void {
    if (this.#session && this.#session.id !== session.id) {
      // ClickHouse Keeper gives a new session to everybody.
      this.#expired();
    }
    this.#session = heldSession(session, this.#session);
  }

  /** The handshake is done. */
  #ready(frames: FrameConnection, security: ConnectionSecurity): void {
    const session = this.#session as HeldSession;
    const { guardian } = this.#options;
    const live = new ServerConnection({
      frames,
      timing: timingOf(session.sessionTimeoutMs),
      session,
      xids: this.#xids,
      removals: this.#removals,
      canProve: canProve(this.#options),
      onSignOfLife: () => guardian?.signOfLife(),
      onStall: () => {
        this.#stalledAtMs = performance.now();
      },
      onWatcherError: (error) => this.#states.watcherFailed(error),
    });
    this.#live = live;
    if (this.#ending) {
      void this.#closeLive(live);
    } else {
      void this.#announce(live, session, frames.endpoint, security);
    }
  }

  /** A new session is used only when somebody guards it. */
  async #announce(
    live: ServerConnection,
    session: HeldSession,
    server: ServerEndpoint,
    security: ConnectionSecurity,
  ): Promise<void> {
    const { guardian, servers } = this.#options;
    const guarded = guardian?.guard({
      servers,
      server,
      sessionId: session.id,
      password: Buffer.from(session.password),
      sessionTimeoutMs: session.sessionTimeoutMs,
      security,
    });
    // In any case later: nobody hears about it while a frame is read.
    await (session.isGuarded || guarded);
    session.isGuarded = true;
    if (this.#live === live && !this.#ending) {
      const isResumed = session.isAnnounced;
      session.isAnnounced = true;
      this.#states.connected({
        id: session.id,
        sessionTimeoutMs: session.sessionTimeoutMs,
        server: formatServer(server),
        isResumed,
      });
    }
  }

  /** Ends the connection, not the session: {@link run} goes on to the next. */
  #hangUp(): void {
    this.#open?.end(new Error('was dropped'));
  }

  #disconnected(
    endpoint: ServerEndpoint,
    end: ConnectionEnd,
    readyAtMs: number | undefined,
  ): void {
    const live = this.#live;
    const nowMs = performance.now();
    this.#live = undefined;
    if (live) {
      this.#disconnectedAtMs = nowMs;
      if (this.#isStopped) {
        live.end('CLOSED', 'the ZooKeeper client was closed');
      } else {
        live.end('CONNECTION_LOSS', 'the connection to ZooKeeper was lost');
      }
    }
    if (end === 'expired') {
      if (this.#session) {
        // It has answered, and grants another one as well as the next server.
        this.#servers.succeeded(endpoint, 'first');
      }
      this.#expired();
    } else {
      const reason = this.#reasonOf(end, live !== undefined);
      const isAfterStall = this.#isAfterStall(end);
      if (readyAtMs !== undefined && nowMs - readyAtMs >= LEAST_SUCCESS_MS) {
        // After a stall the server has moved the session to the guardian's
        // connection: it is at hand. One that is silent or has hung up is not.
        this.#servers.succeeded(endpoint, isAfterStall ? 'first' : 'last');
      } else if (!this.#isStopped && !isZookeeperError(end, 'AUTH_FAILED')) {
        this.#servers.failed(endpoint, reason);
      }
      if (live && this.#isInUse) {
        const why = `${formatServer(endpoint)} ${reason}`;
        this.#states.suspended(why, isAfterStall);
      }
    }
    if (this.#ending && !this.#session) {
      this.#forgetSession();
    }
  }

  #isAfterStall(error: Error): boolean {
    const timeoutMs = this.#options.sessionTimeoutMs;
    const isStalled = performance.now() - this.#stalledAtMs < timeoutMs;
    return isStalled && !(error instanceof SilenceError);
  }

  #reasonOf(error: Error, wasReady: boolean): string {
    const { tls } = this.#options;
    if (wasReady && error instanceof HungUpError) {
      return 'closed the connection';
    }
    const failure = describeConnectFailure(
      error,
      tls !== undefined,
      tls?.hasCertificate ?? false,
    );
    this.#hasTlsTrouble ||= failure.isOfTls;
    return failure.text;
  }

  /** Ends the session there is, or will be once a handshake is done. */
  async #endSession(): Promise<void> {
    if (!this.#session && !this.#open?.hasBegun) {
      return;
    }
    this.#ending ??= new Deferred();
    const { promise } = this.#ending;
    this.#pause?.resolve();
    if (this.#live) {
      void this.#closeLive(this.#live);
    }
    await promise;
  }

  async #closeLive(live: ServerConnection): Promise<void> {
    const isEnded = await live.closeSession();
    if (isEnded && this.#live === live) {
      this.#forgetSession();
      this.#hangUp();
    }
  }

  /** The server does not know the session any more. */
  #expired(): void {
    const wasInUse = this.#isInUse;
    this.#forgetSession();
    if (wasInUse) {
      this.#states.lost('SESSION_EXPIRED', 'ZooKeeper has expired the session');
    }
  }

  /** There is no session any more. */
  #forgetSession(): void {
    const session = this.#session;
    this.#session = undefined;
    this.#ending?.resolve();
    this.#ending = undefined;
    if (session?.isGuarded) {
      this.#released = this.#options.guardian?.release();
    }
  }

  async #sleep(ms: number): Promise<void> {
    this.#pause = new Deferred();
    await settledWithin([this.#pause.promise], ms);
    this.#pause = undefined;
  }
}
