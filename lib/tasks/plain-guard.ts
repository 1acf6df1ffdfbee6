import type { ManagedElection } from '../election/leader-elections.js';
import { taskStorage } from './current-leader-task.js';
import type { AnyMethod } from './task-definition.js';
import type { TaskGuard } from './task-guard.interface.js';

/**
 * The guard of a decorated method that another one overrides: part of a run of
 * that one when it is called through `super`, and no run of its own.
 */
export class PlainGuard implements TaskGuard {
  constructor(
    private readonly election: ManagedElection,
    private readonly task: string,
  ) {}

  declines(): boolean {
    return false;
  }

  call(method: AnyMethod, target: unknown, args: ArrayLike<unknown>): unknown {
    const isPartOfRun = taskStorage.getStore()?.task === this.task;
    return isPartOfRun || this.election.isLeader()
      ? Reflect.apply(method, target, args)
      : undefined;
  }
}
