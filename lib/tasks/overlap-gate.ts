import type { TaskOverlap } from './leader-task-options.interface.js';

/** Lets one run of a task in at a time, unless they may overlap. */
export class OverlapGate {
  readonly #overlap: TaskOverlap;
  readonly #line: (() => void)[] = [];
  #isBusy = false;
  #isCallQueued = false;

  constructor(overlap: TaskOverlap) {
    this.#overlap = overlap;
  }

  /** Whether runs need not wait for one another. */
  get isOpen(): boolean {
    return this.#overlap === 'allow';
  }

  /** A call: true if it may run, a promise if it may later, else false. */
  enterCall(): boolean | Promise<void> {
    if (this.isOpen) {
      return true;
    }
    if (!this.#isBusy) {
      this.#isBusy = true;
      return true;
    }
    if (this.#overlap === 'skip' || this.#isCallQueued) {
      return false;
    }
    this.#isCallQueued = true;
    return this.#standInLine().then(() => {
      this.#isCallQueued = false;
    });
  }

  /** Work that must be done: waits for its turn. */
  async enter(): Promise<void> {
    if (this.isOpen) {
      return;
    }
    if (this.#isBusy) {
      await this.#standInLine();
    } else {
      this.#isBusy = true;
    }
  }

  /** Hands the place on to the next in line. */
  leave(): void {
    const next = this.#line.shift();
    if (next) {
      next();
    } else {
      this.#isBusy = false;
    }
  }

  #standInLine(): Promise<void> {
    return new Promise((resolve) => {
      this.#line.push(resolve);
    });
  }
}
