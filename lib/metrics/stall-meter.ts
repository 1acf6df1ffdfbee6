/** How often the event loop is looked at. */
const PERIOD_MS = 100;
/** How late a look has to be to count. */
const SHORTEST_STALL_MS = 200;

/** Notices that the event loop was blocked. */
export class StallMeter {
  readonly #timer: NodeJS.Timeout;
  #lookedAtMs = performance.now();

  constructor(onStall: (durationMs: number) => void) {
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      const lateMs = nowMs - this.#lookedAtMs - PERIOD_MS;
      this.#lookedAtMs = nowMs;
      if (lateMs > SHORTEST_STALL_MS) {
        onStall(lateMs);
      }
    }, PERIOD_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
