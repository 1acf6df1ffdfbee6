import type { attach, Attachment } from '../zookeeper/handshake/attach.js';
import type { GuardedSession } from '../zookeeper/session-guardian.interface.js';
import { optionsForAttempt } from './server-for-attempt.js';

/** Of the ticks while it is kept: see tickMsOf(). */
const TICKS_PER_PING = 4;
const TICKS_PER_ATTEMPT = 3;
const TOLERATED_SILENT_TICKS = 8;
const TICKS_AFTER_SILENCE = 1;
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
  /** How many servers have been tried since the application was heard. */
  #attempts = 0;
  #ticks = 0;
  /** At this tick a silent server is left, or the next one tried. */
  #nextStepAtTick = 0;

  constructor(session: GuardedSession, attachTo: typeof attach) {
    this.#session = session;
    this.#attachTo = attachTo;
  }

  /** Call it at every tick while the application is stalled. */
  keep(): void {
    this.#ticks += 1;
    if (this.#ticks >= this.#nextStepAtTick) {
      if (this.#attachment) {
        this.#hangUp(TICKS_AFTER_SILENCE);
      } else {
        this.#attach();
      }
    } else if (this.#isAttached && this.#ticks % TICKS_PER_PING === 0) {
      this.#attachment?.ping();
    }
  }

  /** The session is to be kept no more, or by somebody else. */
  drop(): void {
    this.#attempts = 0;
    this.#hangUp(0);
  }

  #hangUp(ticksToRest: number): void {
    this.#attachment?.drop();
    this.#attachment = undefined;
    this.#isAttached = false;
    this.#nextStepAtTick = this.#ticks + ticksToRest;
  }

  #attach(): void {
    const wait = (): void => {
      this.#nextStepAtTick =
        this.#ticks +
        (this.#isAttached ? TOLERATED_SILENT_TICKS : TICKS_PER_ATTEMPT);
    };
    wait();
    this.#attachment = this.#attachTo(
      optionsForAttempt(this.#session, this.#attempts++, 'keep'),
      {
        onDone: () => {
          this.#isAttached = true;
          wait();
        },
        onAnswer: wait,
        // The application finds out itself that its session has expired.
        onEnd: (reason) =>
          this.#hangUp(reason === 'expired' ? Infinity : TICKS_AFTER_HANG_UP),
      },
    );
  }
}
