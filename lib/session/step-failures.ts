import { monotonicMs } from '../clock.js';

const LONGEST_PAUSE_MS = 60_000;

/**
 * For how long a participant has not been able to take its step, and how long it
 * stays away after it has made way for that reason.
 */
export class StepFailures {
  readonly #nowMs: () => number;
  /** Failures in a row. */
  #count = 0;
  #sinceMs = 0;
  /** How often it has made way in short succession. */
  #timesMadeWay = 0;
  #quietAtMs = 0;

  constructor(nowMs = monotonicMs) {
    this.#nowMs = nowMs;
  }

  get count(): number {
    return this.#count;
  }

  /** Milliseconds since the first failure in a row. */
  get durationMs(): number {
    return this.#count === 0 ? 0 : this.#nowMs() - this.#sinceMs;
  }

  /** Whether what it needs has to be proved before it comes back. */
  get hasMadeWay(): boolean {
    return this.#timesMadeWay > 0 && this.#nowMs() < this.#quietAtMs;
  }

  add(): void {
    if (this.#count === 0) {
      this.#sinceMs = this.#nowMs();
    }
    this.#count += 1;
  }

  clear(): void {
    this.#count = 0;
  }

  /** Notes that it makes way; returns how long it stays away. */
  makeWay(sessionTimeoutMs: number): number {
    if (!this.hasMadeWay) {
      this.#timesMadeWay = 0;
    }
    const pauseMs = Math.min(
      LONGEST_PAUSE_MS,
      sessionTimeoutMs * 2 ** Math.min(this.#timesMadeWay, 10),
    );
    this.#timesMadeWay += 1;
    this.#quietAtMs = this.#nowMs() + 10 * pauseMs;
    this.clear();
    return pauseMs;
  }
}
