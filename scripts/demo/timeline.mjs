// @ts-check
/**
 * Puts what comes from several processes into the order in which it happened:
 * each has a pipe of its own, and what was written first may be read last.
 *
 * @template {{ atNs: bigint }} T
 */
export class Timeline {
  /** @type {T[]} */
  #waiting = [];
  #handle;

  /** @param {(event: T) => void} handle */
  constructor(handle) {
    this.#handle = handle;
  }

  /** @param {T} event */
  add(event) {
    this.#waiting.push(event);
    setTimeout(() => this.flush(event.atNs), ORDERING_MS);
  }

  /** @param {bigint} [untilNs] all without it */
  flush(untilNs) {
    this.#waiting.sort((a, b) => (a.atNs < b.atNs ? -1 : 1));
    while (
      this.#waiting[0] &&
      (untilNs === undefined || this.#waiting[0].atNs <= untilNs)
    ) {
      this.#handle(/** @type {T} */ (this.#waiting.shift()));
    }
  }
}

/** How much later than another pipe one may be read. */
const ORDERING_MS = 100;
