import type { attach, Attachment } from './attach.js';
import type { GuardedSession } from '../zookeeper/session-guardian.interface.js';
import { TICKS_PER_TIMEOUT } from './judgement.js';
import { optionsForAttempt } from './server-for-attempt.js';

/** Of the ticks while it is kept: see tickMsOf(). */
const TICKS_PER_PING = 4;
const TICKS_PER_ATTEMPT = 3;
const TOLERATED_SILENT_TICKS = 8;
/** Perhaps the application is back, and its sign of life on its way. */
const TICKS_AFTER_HANG_UP = 2;

/**
 * Keeps the session of a stalled application alive, over a connection of the
 * guardian's own. Counts in ticks: a pause of this process is not the server's
 * silence.
 */
export class SessionKeeper {
  readonly #session: GuardedSession;
  readonly #attachTo: typeof attach;
  #attachment: Attachment | undefined;
  #isAttached = false;
  /** How many servers have been tried. */
  #attempts = 0;
  #ticks = 0;
  /** At this tick a silent server is left for the next one. */
  #nextAttemptAtTick = 0;
  /** When a server last kept the session; at the beginning, half a timeout ago. */
  #keptAtTick = -TICKS_PER_TIMEOUT / 2;
  #failure: Error | undefined = new Error('did not answer');

  constructor(session: GuardedSession, attachTo: typeof attach) {
    this.#session = session;
    this.#attachTo = attachTo;
  }

  /** Call it at every tick. */
  keep(): void {
    this.#ticks += 1;
    if (this.#ticks >= this.#nextAttemptAtTick) {
      this.drop();
      this.#attach();
    } else if (this.#isAttached && this.#ticks % TICKS_PER_PING === 0) {
      this.#attachment?.ping();
    }
  }

  /**
   * The session is to be kept no more, or by somebody else. Returns why no server
   * has kept it for so many timeouts; undefined if one has.
   */
  drop(timeouts = 1): Error | undefined {
    this.#attachment?.drop();
    this.#isAttached = false;
    return this.#whyUnkept(timeouts);
  }

  #whyUnkept(timeouts: number): Error | undefined {
    const ticks = this.#ticks - this.#keptAtTick;
    return ticks > timeouts * TICKS_PER_TIMEOUT ? this.#failure : undefined;
  }

  #attach(): void {
    this.#wait();
    this.#attachment = this.#attachTo(
      optionsForAttempt(this.#session, this.#attempts++, 'keep'),
      {
        onDone: () => {
          this.#isAttached = true;
          this.#wait();
        },
        onAnswer: () => this.#wait(),
        onEnd: (reason) => {
          this.#isAttached = false;
          // The application finds out itself that its session has expired. What
          // came before counts if no server has kept it for a whole timeout.
          this.#failure = reason === 'expired' ? this.#whyUnkept(1) : reason;
          this.#wait(reason === 'expired' ? Infinity : TICKS_AFTER_HANG_UP);
        },
      },
    );
  }

  #wait(
    ticks = this.#isAttached ? TOLERATED_SILENT_TICKS : TICKS_PER_ATTEMPT,
  ): void {
    this.#nextAttemptAtTick = this.#ticks + ticks;
    if (this.#isAttached) {
      this.#keptAtTick = this.#ticks;
    }
  }
}
