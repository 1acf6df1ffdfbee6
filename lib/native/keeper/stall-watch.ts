const LONGEST_TICK_MS = 1_000;
const SHORTEST_TICK_MS = 20;

/**
 * Notices that the application has shown no sign of life for too long. Counts
 * ticks of its own timer instead of comparing clocks: when the keeper itself
 * was paused, or the whole machine, it must not blame the application.
 *
 * Never too early, because the application counts on its session until then;
 * up to a tick too late.
 */
export class StallWatch {
  readonly #timer: NodeJS.Timeout;
  #quietTicks = 0;

  constructor(maxStallMs: number, onStall: () => void) {
    const tickMs = Math.min(
      LONGEST_TICK_MS,
      Math.max(SHORTEST_TICK_MS, Math.ceil(maxStallMs / 10)),
    );
    // The tick that is under way when a sign of life comes counts for nothing.
    const allowedTicks = Math.ceil(maxStallMs / tickMs) + 1;
    this.#timer = setInterval(() => {
      this.#quietTicks += 1;
      if (this.#quietTicks === allowedTicks) {
        onStall();
      }
    }, tickMs);
  }

  sawLife(): void {
    this.#quietTicks = 0;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
