/** A leadership being given up; several requests to do so share one end. */
export class Release {
  /** Settles when our entry in the election is gone. */
  readonly done: Promise<void>;
  /** Whether what ran for the leader has ended, so that the entry may go. */
  isDrained = false;
  readonly #resolve: () => void;

  /** @param former a release still under way, which ends with this one */
  constructor(former?: Release) {
    let resolve = (): void => undefined;
    this.done = new Promise((settle) => {
      resolve = settle;
    });
    this.#resolve = () => {
      resolve();
      former?.settle();
    };
  }

  settle(): void {
    this.#resolve();
  }
}
