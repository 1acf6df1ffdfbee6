import { monotonicMs } from './clock.js';
import type { FaultyEnsemble } from './ensemble.js';

const INTERVAL_MS = 100;

/** Measures for how long the ensemble has no leader with a quorum. */
export class EnsembleWatch {
  #isStopped = false;
  #downSinceMs: number | undefined;
  #longestMs = 0;
  readonly #done: Promise<void>;

  constructor(ensemble: FaultyEnsemble) {
    this.#done = this.#watch(ensemble);
  }

  /** The longest gap since the last call, to about a tenth of a second. */
  take(): number {
    const longestMs = this.#longestMs;
    this.#longestMs = 0;
    return longestMs;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
  }

  async #watch(ensemble: FaultyEnsemble): Promise<void> {
    while (!this.#isStopped) {
      const askedMs = monotonicMs();
      if (await ensemble.serves()) {
        this.#downSinceMs = undefined;
      } else {
        this.#downSinceMs ??= askedMs;
        this.#longestMs = Math.max(
          this.#longestMs,
          monotonicMs() - this.#downSinceMs,
        );
      }
      await new Promise((resolve) => {
        setTimeout(resolve, INTERVAL_MS);
      });
    }
  }
}
