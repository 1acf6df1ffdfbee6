import type { ManagedElection } from '../election/leader-elections.js';

/** One task of one object: decides whether a call runs. */
export class TaskGuard {
  /** Runs that have not ended, to be waited for before leadership goes on. */
  readonly running = new Set<Promise<void>>();
  /** Set when the application closes: runs go on, new ones are refused. */
  isClosed = false;

  constructor(
    readonly name: string,
    readonly election: ManagedElection,
    /** Whether a call may be answered later than it was made. */
    private readonly canWait: boolean,
  ) {}

  run(
    method: (this: unknown, ...args: unknown[]) => unknown,
    target: unknown,
    args: ArrayLike<unknown>,
  ): unknown {
    if (this.isClosed) {
      return undefined;
    }
    if (this.election.isLeader()) {
      return this.#execute(method, target, args);
    }
    if (this.canWait && this.election.leadership.role === 'leader') {
      // Leading, but without proof, as after a stall of the event loop: the
      // tick is not lost if a fresh heartbeat gives the proof.
      return this.#runWhenProved(method, target, args);
    }
    return undefined;
  }

  async #runWhenProved(
    method: (this: unknown, ...args: unknown[]) => unknown,
    target: unknown,
    args: ArrayLike<unknown>,
  ): Promise<unknown> {
    const isLeader = await this.election.revalidate();
    return isLeader && !this.isClosed
      ? this.#execute(method, target, args)
      : undefined;
  }

  #execute(
    method: (this: unknown, ...args: unknown[]) => unknown,
    target: unknown,
    args: ArrayLike<unknown>,
  ): unknown {
    const result = Reflect.apply(method, target, args);
    if (result instanceof Promise) {
      const end = (): void => {
        this.running.delete(done);
      };
      const done: Promise<void> = result.then(end, end);
      this.running.add(done);
    }
    return result;
  }
}
