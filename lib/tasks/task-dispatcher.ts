import { AsyncLocalStorage } from 'node:async_hooks';
import { sharedRegistry } from '../shared-registry.js';
import type { TaskRun } from './task-run.js';

/** A call that the library makes itself, on its way to the guard. */
interface Dispatch {
  readonly dispatcher: TaskDispatcher;
  readonly run: TaskRun;
  isTaken: boolean;
}

const dispatches = sharedRegistry(
  'dispatched-task',
  () => new AsyncLocalStorage<Dispatch>(),
);

/**
 * Calls a task as its scheduler does, through all decorators, for a run that is
 * decided already: the guard finds the run again when the call gets there.
 */
export class TaskDispatcher {
  /** Number of calls that may not have got there yet. */
  underWay = 0;

  /**
   * Resolves to what the call returns.
   *
   * @param onLost called if somebody else's decorator has answered the call
   */
  async dispatch(
    run: TaskRun,
    call: () => unknown,
    onLost: () => Promise<void> | undefined,
  ): Promise<unknown> {
    const dispatch: Dispatch = { dispatcher: this, run, isTaken: false };
    this.underWay += 1;
    try {
      return await dispatches.run(dispatch, call);
    } finally {
      this.underWay -= 1;
      if (!dispatch.isTaken) {
        await onLost();
      }
    }
  }

  /** The run for which the guard is called; undefined for any other call. */
  take(): TaskRun | undefined {
    const dispatch = dispatches.getStore();
    if (dispatch?.dispatcher !== this || dispatch.isTaken) {
      return undefined;
    }
    dispatch.isTaken = true;
    return dispatch.run;
  }
}
