import type { TaskOverlap } from './leader-task-options.interface.js';

/** What somebody is in the gate for. */
type Purpose = 'decide' | 'run';

/**
 * Lets one run of a task in at a time, unless they may overlap.
 *
 * Whoever has to ask the ledger first enters to decide. A call that comes
 * meanwhile is not in the way of any run: it waits for the decision, instead of
 * being dropped for a run that there may never be.
 */
export class OverlapGate {
  readonly #overlap: TaskOverlap;
  readonly #line: { readonly purpose: Purpose; readonly enter: () => void }[] =
    [];
  #occupant: Purpose | undefined;
  #decision:
    { readonly made: Promise<void>; readonly end: () => void } | undefined;
  #isCallQueued = false;

  constructor(overlap: TaskOverlap) {
    this.#overlap = overlap;
  }

  /** Whether runs need not wait for one another. */
  get isOpen(): boolean {
    return this.#overlap === 'allow';
  }

  /** While somebody decides: the end of that. */
  get decided(): Promise<void> | undefined {
    return this.#decision?.made;
  }

  /** A call: true if it may go on, a promise if it may later, else false. */
  enterCall(purpose: Purpose): boolean | Promise<void> {
    if (this.isOpen) {
      return true;
    }
    if (!this.#occupant) {
      this.#occupy(purpose);
      return true;
    }
    if (this.#overlap === 'skip' || this.#isCallQueued) {
      return false;
    }
    this.#isCallQueued = true;
    return this.#standInLine(purpose).then(() => {
      this.#isCallQueued = false;
    });
  }

  /** Work that must be done: waits for its turn, then decides. */
  async enter(): Promise<void> {
    if (this.isOpen) {
      return;
    }
    if (this.#occupant) {
      await this.#standInLine('decide');
    } else {
      this.#occupy('decide');
    }
  }

  /** What has been decided is a run, or more of what is to be decided. */
  goOnTo(purpose: Purpose): void {
    if (!this.isOpen) {
      this.#occupy(purpose);
    }
  }

  /** Hands the place on to the next in line. */
  leave(): void {
    const next = this.#line.shift();
    this.#occupy(next?.purpose);
    next?.enter();
  }

  #occupy(purpose: Purpose | undefined): void {
    this.#occupant = purpose;
    if (purpose !== 'decide') {
      this.#decision?.end();
      this.#decision = undefined;
    } else if (!this.#decision) {
      let end = (): void => undefined;
      const made = new Promise<void>((resolve) => {
        end = resolve;
      });
      this.#decision = { made, end };
    }
  }

  #standInLine(purpose: Purpose): Promise<void> {
    return new Promise((enter) => {
      this.#line.push({ purpose, enter });
    });
  }
}
