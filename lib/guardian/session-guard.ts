import type { attach, Attachment } from '../zookeeper/handshake/attach.js';
import type { GuardedSession } from '../zookeeper/session-guardian.interface.js';
import type { ServerEndpoint } from '../zookeeper/connection/frame-connection.js';
import { judge, silenceOf, tickMsOf } from './judgement.js';
import type { Life } from './process-identity.js';

/** How it ended with a session. */
export type Outcome =
  /** By a closeSession, of this guardian or before it came. */
  | 'closed'
  /** No server could be reached in time. */
  | 'given-up'
  /** The application needs this guardian no more, or has another one. */
  | 'dismissed';

export interface SessionGuardOptions {
  readonly attach: typeof attach;
  /** Looks at the application's process. */
  readonly look: () => Life;
  /** Called once; nothing comes after it. */
  readonly onOver: (outcome: Outcome) => void;
}

/** Of the ticks of a session timeout, {@link tickMsOf}. */
const TICKS_PER_PING = 4;
const TICKS_PER_ATTEMPT = 3;
const TOLERATED_SILENT_TICKS = 8;

/** How often a process is looked at after the end of its channel. */
const LOOK_AGAIN_MS = 1;
const PAUSE_BETWEEN_CLOSES_MS = 10;
/** A server that does not answer the close is left for the next one. */
const LONGEST_CLOSE_MS = 500;

/**
 * Guards one session: keeps it alive while the application is stalled, closes it
 * when the application is dead. What to do when is decided by {@link judge}.
 */
export class SessionGuard {
  readonly #options: SessionGuardOptions;
  #session: GuardedSession | undefined;
  #maxStallMs = 0;
  #ticker: NodeJS.Timeout | undefined;
  /** Own ticks since the last sign of life, and when it came. */
  #ticks = 0;
  #lastSignMs = 0;
  #endedAtMs: number | undefined;
  #attachment: Attachment | undefined;
  #isAttached = false;
  /** How many servers have been tried since the last success. */
  #attempts = 0;
  /** Own ticks since the server was heard, or the attempt began. */
  #serverTicks = 0;
  /** Ticks until a server that has hung up, or another one, is tried. */
  #ticksToRest = 0;
  #giveUpAtMs: number | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(options: SessionGuardOptions) {
    this.#options = options;
  }

  /** Hexadecimal; undefined while there is none. */
  get sessionId(): string | undefined {
    return this.#session?.sessionId;
  }

  guard(session: GuardedSession, maxStallMs: number): void {
    this.#session = session;
    this.#maxStallMs = maxStallMs;
    this.sawLife();
    clearInterval(this.#ticker);
    this.#ticker = setInterval(
      () => this.#tick(),
      tickMsOf(session.sessionTimeoutMs),
    );
  }

  /** The application has said something, whatever it was. */
  sawLife(): void {
    this.#ticks = 0;
    this.#lastSignMs = performance.now();
    this.#attempts = 0;
    this.#decide();
  }

  /** There is no session any more. */
  release(): void {
    this.#session = undefined;
    clearInterval(this.#ticker);
    this.#drop();
  }

  /** The session is not to be looked at any more. */
  dismiss(): void {
    this.#finish('dismissed');
  }

  /** The channel to the application has ended: it is dead, or has let go. */
  channelEnded(): void {
    this.#endedAtMs ??= performance.now();
    this.#decide();
    if (!this.#isOver && this.#giveUpAtMs === undefined) {
      this.#retry = setTimeout(() => this.channelEnded(), LOOK_AGAIN_MS);
    }
  }

  /** Closes the session; ends with {@link SessionGuardOptions.onOver}. */
  close(): void {
    if (this.#isOver || this.#giveUpAtMs !== undefined) {
      return;
    }
    if (!this.#session) {
      this.#finish('dismissed');
      return;
    }
    const { sessionTimeoutMs } = this.#session;
    clearTimeout(this.#retry);
    clearInterval(this.#ticker);
    this.#giveUpAtMs = performance.now() + sessionTimeoutMs;
    this.#drop();
    this.#attempts = 0;
    this.#attach();
  }

  #tick(): void {
    this.#ticks += 1;
    this.#serverTicks += 1;
    this.#ticksToRest -= 1;
    // What the application has written is read before its silence is judged.
    setImmediate(() => {
      this.#decide();
      this.#watchServer();
    });
  }

  #decide(): void {
    const session = this.#session;
    if (this.#isOver || this.#giveUpAtMs !== undefined) {
      return;
    }
    const now = performance.now();
    if (!session) {
      if (this.#endedAtMs !== undefined) {
        this.#finish('dismissed');
      }
      return;
    }
    const { sessionTimeoutMs } = session;
    const verdict = judge({
      sessionTimeoutMs,
      maxStallMs: this.#maxStallMs,
      silentForMs: silenceOf(
        this.#ticks,
        tickMsOf(sessionTimeoutMs),
        now - this.#lastSignMs,
      ),
      endedForMs:
        this.#endedAtMs === undefined ? undefined : now - this.#endedAtMs,
      application:
        this.#endedAtMs === undefined ? 'alive' : this.#options.look(),
      isAttached: this.#attachment !== undefined,
    });
    switch (verdict) {
      case 'wait':
        break;
      case 'attach':
        if (this.#ticksToRest <= 0) {
          this.#attach();
        }
        break;
      case 'drop':
      case 'hang-up':
        this.#drop();
        break;
      case 'close':
        this.close();
        break;
      case 'exit':
        this.#finish('dismissed');
        break;
    }
  }

  /** Pings the server, and leaves one that does not answer. */
  #watchServer(): void {
    if (!this.#attachment || this.#giveUpAtMs !== undefined) {
      return;
    }
    const tolerated = this.#isAttached
      ? TOLERATED_SILENT_TICKS
      : TICKS_PER_ATTEMPT;
    if (this.#serverTicks >= tolerated) {
      // The next tick attaches, if that is still the thing to do.
      this.#drop();
    } else if (this.#isAttached && this.#ticks % TICKS_PER_PING === 0) {
      this.#attachment.ping();
    }
  }

  #attach(): void {
    const session = this.#session;
    if (!session) {
      return;
    }
    const isClosing = this.#giveUpAtMs !== undefined;
    const { sessionId, password, sessionTimeoutMs, security } = session;
    this.#isAttached = false;
    this.#serverTicks = 0;
    const attachment: Attachment = this.#options.attach(
      {
        server: this.#nextServer(session),
        session: { id: sessionId, password },
        sessionTimeoutMs,
        security,
        purpose: isClosing ? 'close' : 'keep',
      },
      {
        onDone: () => {
          if (isClosing) {
            this.#finish('closed');
          } else {
            this.#isAttached = true;
          }
        },
        onAnswer: () => {
          this.#serverTicks = 0;
        },
        onEnd: (reason) => this.#ended(reason === 'expired'),
      },
    );
    this.#attachment = attachment;
    if (isClosing) {
      this.#retryIn(closeTimeoutMs(sessionTimeoutMs));
    }
  }

  /**
   * The one of the application first: a session that moves to another server
   * leaves a connection behind that still seems to work.
   */
  #nextServer({ server, servers }: GuardedSession): ServerEndpoint {
    const others = servers
      .filter(({ host, port }) => host !== server.host || port !== server.port)
      .map(({ host, port }) => ({ host, address: host, port }));
    return (
      [server, ...others][this.#attempts++ % (others.length + 1)] ?? server
    );
  }

  /** The connection to the server is gone, or could not be had. */
  #ended(isSessionOver: boolean): void {
    this.#attachment = undefined;
    this.#isAttached = false;
    if (this.#giveUpAtMs !== undefined) {
      if (isSessionOver) {
        this.#finish('closed');
      } else {
        this.#retryIn(PAUSE_BETWEEN_CLOSES_MS);
      }
    } else if (isSessionOver) {
      // The application will find out, and say which one it has next.
      this.release();
    } else {
      // Perhaps the application is back, and its sign of life on its way.
      this.#ticksToRest = 2;
    }
  }

  #retryIn(pauseMs: number): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#drop();
      if (performance.now() >= (this.#giveUpAtMs ?? 0)) {
        this.#finish('given-up');
      } else {
        this.#attach();
      }
    }, pauseMs);
  }

  #drop(): void {
    const attachment = this.#attachment;
    this.#attachment = undefined;
    this.#isAttached = false;
    attachment?.drop();
  }

  #finish(outcome: Outcome): void {
    if (this.#isOver) {
      return;
    }
    this.#isOver = true;
    clearInterval(this.#ticker);
    clearTimeout(this.#retry);
    this.#drop();
    this.#options.onOver(outcome);
  }
}

function closeTimeoutMs(sessionTimeoutMs: number): number {
  return Math.min(LONGEST_CLOSE_MS, sessionTimeoutMs / 8);
}
