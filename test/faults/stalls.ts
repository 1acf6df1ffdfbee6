import { performance } from 'node:perf_hooks';

const INTERVAL_MS = 20;
const TOLERATED_MS = 10;

/**
 * How long this process was kept from running while it wanted to: on a machine
 * that is busy with something else, deadlines are extended by that.
 */
export class Stalls {
  #totalMs = 0;
  #lastMs = performance.now();
  readonly #timer = setInterval(() => {
    const now = performance.now();
    const lateMs = now - this.#lastMs - INTERVAL_MS;
    this.#totalMs += lateMs > TOLERATED_MS ? lateMs : 0;
    this.#lastMs = now;
  }, INTERVAL_MS);

  get totalMs(): number {
    return this.#totalMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
