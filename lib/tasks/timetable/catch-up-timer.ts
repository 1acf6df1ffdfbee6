const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** Has something done again after a failure, ever later. */
export class CatchUpTimer {
  readonly #act: () => void;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(act: () => void) {
    this.#act = act;
  }

  startAfterFailure(): void {
    this.stop();
    const pauseMs = Math.min(
      LONGEST_PAUSE_MS,
      FIRST_PAUSE_MS * 2 ** Math.min(this.#failures, 10),
    );
    this.#failures += 1;
    this.#timer = setTimeout(this.#act, pauseMs).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** It has gone well: the next pause is a short one again. */
  forgive(): void {
    this.#failures = 0;
  }
}
