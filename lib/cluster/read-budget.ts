import { setTimeout as delay } from 'node:timers/promises';

/** Bounds the number of reads per second, whatever happens. */
export class ReadBudget {
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #refilledAtMs = performance.now();

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
  }

  /** Waits until there is something left, and says how much; 1 or more. */
  async available(): Promise<number> {
    this.#refill();
    if (this.#left < 1) {
      await delay(Math.ceil(((1 - this.#left) / this.#perSecond) * 1000));
      this.#refill();
    }
    return Math.max(1, Math.floor(this.#left));
  }

  spend(reads: number): void {
    this.#left -= reads;
  }

  #refill(): void {
    const nowMs = performance.now();
    const gained = ((nowMs - this.#refilledAtMs) / 1000) * this.#perSecond;
    this.#left = Math.min(this.#burst, this.#left + gained);
    this.#refilledAtMs = nowMs;
  }
}
