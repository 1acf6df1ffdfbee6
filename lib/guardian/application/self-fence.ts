import { GRACE_MS } from '../judgement.js';

export const SELF_FENCE_MS = GRACE_MS / 2;

const TICK_MS = SELF_FENCE_MS / 5;

/**
 * A guardian that cannot look at this process takes the end of their connection
 * for its death, half a second later. So this process may believe in its
 * session for {@link SELF_FENCE_MS} after a moment at which the connection is
 * known to have been open: at every turn of the event loop in which no end of it
 * was read, the moment before that turn. After a pause of the process that is
 * long ago, whatever has become of the connection.
 */
export class SelfFence {
  readonly #onExpired: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isOpen = false;
  #isExpired = false;
  /** When the connection was open for certain. */
  #certainMs = 0;
  #lastTickMs = 0;

  /** @param onExpired called once for each time that it is armed */
  constructor(onExpired: () => void) {
    this.#onExpired = onExpired;
  }

  get isArmed(): boolean {
    return this.#timer !== undefined;
  }

  /**
   * The guardian has the session, which it was told at `sentMs`. Over a new
   * connection that came too late, this changes nothing: a guardian may be closing
   * the session, and another one does not know of it.
   */
  arm(sentMs: number): void {
    if (!this.#isOpen && !this.isTrusted()) {
      return;
    }
    clearInterval(this.#timer);
    this.#isOpen = true;
    this.#isExpired = false;
    this.#certainMs = sentMs;
    this.#lastTickMs = sentMs;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  /** There is no session, or nobody who would close it. */
  disarm(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#isExpired = false;
  }

  /** The end of the connection has been read. */
  connectionEnded(): void {
    this.#isOpen = false;
  }

  /**
   * The guardian is dead. Where it cannot have closed the session before, it
   * never will.
   */
  guardianIsDead(): void {
    if (this.isArmed && this.isTrusted()) {
      this.disarm();
    }
  }

  /** Whether the session may be believed in at this very moment. */
  isTrusted(): boolean {
    return (
      !this.isArmed ||
      (!this.#isExpired && performance.now() - this.#certainMs < SELF_FENCE_MS)
    );
  }

  #tick(): void {
    if (this.#isOpen) {
      this.#certainMs = this.#lastTickMs;
      this.#lastTickMs = performance.now();
    } else if (!this.#isExpired && !this.isTrusted()) {
      this.#isExpired = true;
      this.#onExpired();
    }
  }
}
