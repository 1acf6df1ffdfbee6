/** A leadership being given up; several requests to do so share one end. */
export class Release {
  /** Settles when our entry in the election is gone, or waiting makes no sense. */
  readonly done: Promise<void>;
  readonly settle: () => void;
  /** How many still wait for what ran for the leader: the entry stays. */
  draining = 0;

  constructor() {
    let settle = (): void => undefined;
    this.done = new Promise((resolve) => {
      settle = resolve;
    });
    this.settle = settle;
  }
}
