import type { attach } from '../zookeeper/handshake/attach.js';
import type { GuardedSession } from '../zookeeper/session-guardian.interface.js';
import { closeSession } from './close-session.js';
import {
  isStalled,
  judgeEnd,
  tickMsOf,
  type StallLimits,
} from './judgement.js';
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
  /** Called once; nothing comes after it. */
  readonly onOver: (outcome: Outcome) => void;
}

/** How often a process is looked at after the end of its channel. */
const LOOK_AGAIN_MS = 1;

/** Guards one session: keeps it while the application is stalled, closes it when dead. */
export class SessionGuard {
  readonly #options: SessionGuardOptions;
  #session: GuardedSession | undefined;
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

  /** Hexadecimal; undefined while there is none. */
  get sessionId(): string | undefined {
    return this.#session?.sessionId;
  }

  /** Nobody may use the session any more. */
  get isClosing(): boolean {
    return this.#stage === 'closing';
  }

  guard(session: GuardedSession, maxStallMs: number): void {
    this.release();
    this.#session = session;
    this.#keeper = new SessionKeeper(session, this.#options.attach);
    this.sawLife();
    this.#await({ sessionTimeoutMs: session.sessionTimeoutMs, maxStallMs });
  }

  /** The application has said something, whatever it was. */
  sawLife(): void {
    this.#silentByTicksMs = 0;
    this.#ticker?.refresh();
    this.#lastSignMs = nowMs();
    this.#keeper?.drop();
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
      closeSession(this.#session, this.#options.attach, (failure) =>
        this.#finish(failure ?? 'closed'),
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
  #await(limits: StallLimits): void {
    const tickMs = tickMsOf(limits.sessionTimeoutMs, this.#silentByTicksMs);
    const judge = (): void => {
      const byClockMs = nowMs() - this.#lastSignMs;
      if (isStalled(this.#silentByTicksMs, byClockMs, limits)) {
        this.#keeper?.keep();
      } else {
        this.#keeper?.drop();
      }
      this.#await(limits);
    };
    clearTimeout(this.#ticker);
    this.#ticker = setTimeout(() => {
      this.#silentByTicksMs += tickMs;
      // What the application has written is read before its silence is judged.
      this.#judging = setImmediate(judge);
    }, tickMs);
  }

  #rest(): void {
    clearTimeout(this.#ticker);
    clearImmediate(this.#judging);
    this.#ticker = undefined;
    this.#keeper?.drop();
    this.#keeper = undefined;
  }

  #finish(outcome: Outcome): void {
    if (this.#stage !== 'over') {
      this.#stage = 'over';
      this.#rest();
      this.#options.onOver(outcome);
    }
  }
}
