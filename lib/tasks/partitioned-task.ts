import type { LeaderTask } from './leader-task.js';
import type { AnyMethod, TaskGuard } from './only-leader.decorator.js';
import { liveRunOf } from './task-run.js';

/** A method with the option `partitions`: one leader task for each of them. */
export class PartitionedTask implements TaskGuard {
  constructor(readonly tasks: readonly LeaderTask[]) {}

  get isOver(): boolean {
    return this.tasks.every(({ isOver }) => isOver);
  }

  declines(): boolean {
    if (
      this.#current !== undefined ||
      this.tasks.some(({ election }) => election.leadership.role === 'leader')
    ) {
      return false;
    }
    this.tasks.forEach((task) => task.declines());
    return true;
  }

  /**
   * A call inside a run is part of it. Any other call is one for each partition,
   * beside each other; it settles when all have.
   */
  call(method: AnyMethod, target: unknown, args: ArrayLike<unknown>): unknown {
    const current = this.#current;
    if (current) {
      return current.call(method, target, args);
    }
    const called = this.tasks.filter((task) => !task.declines());
    return allOf(
      called.map(async (task) => task.call(method, target, args)),
      called.length,
    );
  }

  /** The task of the run from which this is called. */
  get #current(): LeaderTask | undefined {
    const find = (owner: unknown) => this.tasks.find((task) => task === owner);
    return find(liveRunOf((owner) => find(owner) !== undefined)?.owner);
  }
}

/** @throws (rejects) the only error, or all of them */
async function allOf(
  calls: readonly Promise<unknown>[],
  count: number,
): Promise<undefined> {
  const outcomes = await Promise.allSettled(calls);
  const errors = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
  );
  if (errors.length === 1) {
    throw errors[0];
  }
  if (errors.length > 1) {
    throw new AggregateError(
      errors,
      `${errors.length} of ${count} partitions have failed`,
    );
  }
  return undefined;
}
