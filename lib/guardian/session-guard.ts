import type { attach } from './attach.js';
import type { GuardedSession } from '../zookeeper/session-guardian.interface.js';
import { closeSession } from './close-session.js';
import { isStalled, judgeEnd, tickMsOf } from './judgement.js';
import { nowMs } from './now-ms.js';
import type { Life } from './process-identity.js';
import { SessionKeeper } from './session-keeper.js';

/**
 * How it ended with a session.
 *
 * - `closed`: by a closeSession, of this guardian or before it came.
 * - `dismissed`: the application needs this guardian no more, or has another one.
 * - An error: why the session of a dead application could not be closed.
 */
export type Outcome = 'closed' | 'dismissed' | Error;

export interface SessionGuardOptions {
  readonly attach: typeof attach;
  /** Looks at the application's process. */
  readonly look: () => Life;
  /** No server has kept the session of the stalled application; once per stall. */
  readonly onUnkept?: (failure: Error, session: GuardedSession) => void;
  /** Called once; nothing comes after it. */
  readonly onOver: (outcome: Outcome) => void;
}

/** How often a process is looked at after the end of its channel. */
const LOOK_AGAIN_MS = 1;

/** Guards one session: keeps it while the application is stalled, closes it when dead. */
export class SessionGuard {
  readonly #options: SessionGuardOptions;
  #session: GuardedSession | undefined;
  /** While the application is stalled. */
  #keeper: SessionKeeper | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #judging: NodeJS.Immediate | undefined;
  /** Own ticks since the last sign of life, and when it came. */
  #silentByTicksMs = 0;
  #lastSignMs = 0;
  /** `ending`: the channel has ended. `closing`: nobody may use the session any more. */
  #stage: 'open' | 'ending' | 'closing' | 'over' = 'open';

  constructor(options: SessionGuardOptions) {
    this.#options = options;
  }

  /** Undefined while there is none. */
  get session(): GuardedSession | undefined {
    return this.#session;
  }

  /** Nobody may use the session any more. */
  get isClosing(): boolean {
    return this.#stage === 'closing';
  }

  guard(session: GuardedSession, maxStallMs: number): void {
    this.release();
    this.#session = session;
    this.sawLife();
    this.#awaitTick(session, maxStallMs);
  }

  /** The application has said something, whatever it was. */
  sawLife(): void {
    this.#silentByTicksMs = 0;
    this.#ticker?.refresh();
    this.#lastSignMs = nowMs();
    this.#letGo();
  }

  /** There is no session any more. */
  release(): void {
    if (!this.isClosing) {
      this.#rest();
      this.#session = undefined;
    }
  }

  /** The session is to be left alone. A close that has begun goes on. */
  dismiss(): void {
    if (!this.isClosing) {
      this.#finish('dismissed');
    }
  }

  /** The channel to the application has ended: it is dead, or has let go. */
  channelEnded(): void {
    if (this.#stage === 'open') {
      this.#stage = 'ending';
      this.#rest();
      this.#look(nowMs());
    }
  }

  /** Closes the session; ends with {@link SessionGuardOptions.onOver}. */
  close(): void {
    if (!this.#session) {
      this.dismiss();
    } else if (this.#stage === 'open' || this.#stage === 'ending') {
      this.#stage = 'closing';
      this.#rest();
      closeSession(this.#session, this.#options.attach, (outcome) =>
        this.#finish(outcome),
      );
    }
  }

  #look(endedAtMs: number): void {
    if (this.#stage !== 'ending') {
      return;
    }
    const { look } = this.#options;
    const verdict = this.#session
      ? judgeEnd(look(), nowMs() - endedAtMs, this.#session.sessionTimeoutMs)
      : 'leave';
    if (verdict === 'close') {
      this.close();
    } else if (verdict === 'leave') {
      this.dismiss();
    } else {
      setTimeout(() => this.#look(endedAtMs), LOOK_AGAIN_MS);
    }
  }

  /** Judges the silence of the application at every tick. */
  #awaitTick(session: GuardedSession, maxStallMs: number): void {
    const { sessionTimeoutMs } = session;
    const tickMs = tickMsOf(sessionTimeoutMs, this.#silentByTicksMs);
    const judge = (): void => {
      const byClockMs = nowMs() - this.#lastSignMs;
      const limits = { sessionTimeoutMs, maxStallMs };
      if (isStalled(this.#silentByTicksMs, byClockMs, limits)) {
        this.#keeper ??= new SessionKeeper(session, this.#options.attach);
        this.#keeper.keep();
      } else {
        // It is still stalled: nobody will keep its session after this.
        this.#letGo(0.5);
      }
      this.#awaitTick(session, maxStallMs);
    };
    // A sign of life after the last tick has started it again.
    clearTimeout(this.#ticker);
    this.#ticker = setTimeout(() => {
      this.#silentByTicksMs += tickMs;
      // What the application has written is read before its silence is judged.
      this.#judging = setImmediate(judge);
    }, tickMs);
  }

  /** @param timeouts without a server that kept the session: then it is lost */
  #letGo(timeouts = 1): void {
    const failure = this.#keeper?.drop(timeouts);
    this.#keeper = undefined;
    if (failure && this.#session) {
      this.#options.onUnkept?.(failure, this.#session);
    }
  }

  #rest(): void {
    clearTimeout(this.#ticker);
    clearImmediate(this.#judging);
    this.#ticker = undefined;
    this.#letGo();
  }

  #finish(outcome: Outcome): void {
    if (this.#stage !== 'over') {
      this.#stage = 'over';
      this.#rest();
      this.#options.onOver(outcome);
    }
  }
}
