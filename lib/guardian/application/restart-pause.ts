const WITHOUT_PAUSE = 3;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

/**
 * How long to wait before another guardian is started: not at all at first,
 * because a session waits, then longer and longer.
 */
export class RestartPause {
  #restarts = 0;
  #lastMs = -Infinity;

  /** Milliseconds until the next attempt. */
  next(): number {
    const now = performance.now();
    if (now - this.#lastMs > 2 * LONGEST_PAUSE_MS) {
      this.#restarts = 0;
    }
    this.#lastMs = now;
    const doublings = this.#restarts++ - WITHOUT_PAUSE;
    return doublings < 0
      ? 0
      : Math.min(
          LONGEST_PAUSE_MS,
          FIRST_PAUSE_MS * 2 ** Math.min(doublings, 20),
        );
  }
}
