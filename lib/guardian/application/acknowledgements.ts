/** Waits for the guardian to say what it has done, by the number of the message. */
export class Acknowledgements {
  readonly #waiting = new Map<number, (isDone: boolean) => void>();

  /** Resolves to whether it is done, and to false after `timeoutMs`. */
  of(number: number, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isDone: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(number);
        resolve(isDone);
      };
      const timer = setTimeout(settle, timeoutMs, false);
      this.#waiting.set(number, settle);
    });
  }

  /** All messages up to this one have been dealt with. */
  done(upTo: number): void {
    for (const [number, settle] of this.#waiting) {
      if (number <= upTo) {
        settle(true);
      }
    }
  }

  refused(number: number): void {
    this.#waiting.get(number)?.(false);
  }

  /** Nothing more will come. */
  end(): void {
    for (const settle of this.#waiting.values()) {
      settle(false);
    }
  }
}
