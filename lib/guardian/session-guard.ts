import type { attach } from '../zookeeper/handshake/attach.js';
import type { GuardedSession } from '../zookeeper/session-guardian.interface.js';
import { closeSession } from './close-session.js';
import { judge, silenceOf, tickMsOf } from './judgement.js';
import { nowMs } from './now-ms.js';
import type { Life } from './process-identity.js';
import { SessionKeeper } from './session-keeper.js';

/** How it ended with a session. */
export type Outcome =
  /** By a closeSession, of this guardian or before it came. */
  | 'closed'
  /** No server has answered in time. */
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

/** How often a process is looked at after the end of its channel. */
const LOOK_AGAIN_MS = 1;

/**
 * Guards one session: listens for the application's signs of life, and does what
 * {@link judge} says.
 */
export class SessionGuard {
  readonly #options: SessionGuardOptions;
  #session: GuardedSession | undefined;
  #maxStallMs = 0;
  #keeper: SessionKeeper | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #nextDecision: NodeJS.Immediate | undefined;
  /** Own ticks since the last sign of life, and when it came. */
  #ticks = 0;
  #lastSignMs = 0;
  #endedAtMs: number | undefined;
  #isClosing = false;
  #isOver = false;

  constructor(options: SessionGuardOptions) {
    this.#options = options;
  }

  /** Hexadecimal; undefined while there is none. */
  get sessionId(): string | undefined {
    return this.#session?.sessionId;
  }

  /** Nobody may use the session any more. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  guard(session: GuardedSession, maxStallMs: number): void {
    this.release();
    this.#session = session;
    this.#maxStallMs = maxStallMs;
    this.#keeper = new SessionKeeper(session, this.#options.attach, () =>
      // The application finds out itself, and says which session is next.
      this.release(),
    );
    this.sawLife();
    this.#ticker = setInterval(
      () => this.#tick(),
      tickMsOf(session.sessionTimeoutMs),
    );
  }

  /** The application has said something, whatever it was. */
  sawLife(): void {
    this.#ticks = 0;
    this.#ticker?.refresh();
    this.#lastSignMs = nowMs();
    this.#keeper?.drop();
  }

  /** There is no session any more. */
  release(): void {
    if (!this.#isClosing) {
      this.#rest();
      this.#session = undefined;
    }
  }

  /** The session is to be left alone. A close that has begun goes on. */
  dismiss(): void {
    if (!this.#isClosing) {
      this.#finish('dismissed');
    }
  }

  /** The channel to the application has ended: it is dead, or has let go. */
  channelEnded(): void {
    if (this.#endedAtMs === undefined) {
      this.#endedAtMs = nowMs();
      this.#look();
    }
  }

  /** Closes the session; ends with {@link SessionGuardOptions.onOver}. */
  close(): void {
    if (this.#isOver || this.#isClosing) {
      return;
    }
    if (!this.#session) {
      this.#finish('dismissed');
      return;
    }
    this.#isClosing = true;
    this.#rest();
    closeSession(this.#session, this.#options.attach, (isClosed) =>
      this.#finish(isClosed ? 'closed' : 'given-up'),
    );
  }

  #look(): void {
    this.#decide();
    if (!this.#isOver && !this.#isClosing) {
      setTimeout(() => this.#look(), LOOK_AGAIN_MS);
    }
  }

  #tick(): void {
    this.#ticks += 1;
    // What the application has written is read before its silence is judged.
    clearImmediate(this.#nextDecision);
    this.#nextDecision = setImmediate(() => this.#decide());
  }

  #decide(): void {
    if (this.#isOver || this.#isClosing) {
      return;
    }
    switch (this.#judge()) {
      case 'wait':
        this.#keeper?.drop();
        break;
      case 'keep':
        this.#keeper?.keep();
        break;
      case 'close':
        this.close();
        break;
      case 'leave':
        this.#finish('dismissed');
        break;
    }
  }

  #judge(): ReturnType<typeof judge> {
    const now = nowMs();
    const endedForMs =
      this.#endedAtMs === undefined ? undefined : now - this.#endedAtMs;
    if (!this.#session) {
      return endedForMs === undefined ? 'wait' : 'leave';
    }
    const { sessionTimeoutMs } = this.#session;
    return judge({
      sessionTimeoutMs,
      maxStallMs: this.#maxStallMs,
      silentForMs: silenceOf(
        this.#ticks,
        tickMsOf(sessionTimeoutMs),
        now - this.#lastSignMs,
      ),
      endedForMs,
      application: endedForMs === undefined ? 'alive' : this.#options.look(),
    });
  }

  #rest(): void {
    clearInterval(this.#ticker);
    this.#ticker = undefined;
    this.#keeper?.drop();
    this.#keeper = undefined;
  }

  #finish(outcome: Outcome): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#rest();
      this.#options.onOver(outcome);
    }
  }
}
