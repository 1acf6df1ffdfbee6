import type { attach, Attachment } from '../zookeeper/handshake/attach.js';
import type { GuardedSession } from '../zookeeper/session-guardian.interface.js';
import { serverForAttempt } from './server-for-attempt.js';

/** Of the ticks of a session timeout: see tickMsOf(). */
const TICKS_PER_PING = 4;
const TICKS_PER_ATTEMPT = 3;
const TOLERATED_SILENT_TICKS = 8;
/** Perhaps the application is back, and its sign of life on its way. */
const TICKS_AFTER_HANG_UP = 1;

/**
 * Keeps the session of a stalled application alive, over a connection of the
 * guardian's own. Counts in ticks: a pause of this process is not the server's
 * silence.
 */
export class SessionKeeper {
  readonly #session: GuardedSession;
  readonly #attachTo: typeof attach;
  readonly #onExpired: () => void;
  #attachment: Attachment | undefined;
  #isAttached = false;
  /** How many servers have been tried since the application was heard. */
  #attempts = 0;
  /** Since the attempt began, and how many of them when the server was heard. */
  #ticks = 0;
  #heardAtTick = 0;
  #ticksToRest = 0;

  /** @param onExpired the server does not know the session any more */
  constructor(
    session: GuardedSession,
    attachTo: typeof attach,
    onExpired: () => void,
  ) {
    this.#session = session;
    this.#attachTo = attachTo;
    this.#onExpired = onExpired;
  }

  /** Call it at every tick while the application is stalled. */
  keep(): void {
    if (!this.#attachment) {
      if (this.#ticksToRest-- <= 0) {
        this.#attach();
      }
      return;
    }
    this.#ticks += 1;
    const tolerated = this.#isAttached
      ? TOLERATED_SILENT_TICKS
      : TICKS_PER_ATTEMPT;
    if (this.#ticks - this.#heardAtTick >= tolerated) {
      // The next tick turns to another server.
      this.#hangUp();
    } else if (this.#isAttached && this.#ticks % TICKS_PER_PING === 0) {
      this.#attachment.ping();
    }
  }

  /** The session is to be kept no more, or by somebody else. */
  drop(): void {
    this.#attempts = 0;
    this.#ticksToRest = 0;
    this.#hangUp();
  }

  #hangUp(): void {
    const attachment = this.#attachment;
    this.#attachment = undefined;
    this.#isAttached = false;
    attachment?.drop();
  }

  #attach(): void {
    const { sessionId, password, sessionTimeoutMs, security } = this.#session;
    this.#ticks = 0;
    this.#heardAtTick = 0;
    this.#attachment = this.#attachTo(
      {
        server: serverForAttempt(this.#session, this.#attempts++),
        session: { id: sessionId, password },
        sessionTimeoutMs,
        security,
        purpose: 'keep',
      },
      {
        onDone: () => {
          this.#isAttached = true;
        },
        onAnswer: () => {
          this.#heardAtTick = this.#ticks;
        },
        onEnd: (reason) => {
          this.#hangUp();
          this.#ticksToRest = TICKS_AFTER_HANG_UP;
          if (reason === 'expired') {
            this.#onExpired();
          }
        },
      },
    );
  }
}
