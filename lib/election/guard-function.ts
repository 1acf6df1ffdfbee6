import type {
  OnlyLeaderFunction,
  OnlyLeaderOptions,
} from '../interfaces/leader-task-options.interface.js';
import type { ManagedElection } from './leader-elections.js';

/** Puts a guard around a function; what the tasks lend to the elections. */
export type GuardFunction = <Args extends unknown[], Result>(
  election: ManagedElection,
  fn: (...args: Args) => Result,
  options: OnlyLeaderOptions,
) => OnlyLeaderFunction<Args, Result>;

/** A guard without tasks: there is nothing to wait for, just the question. */
export const plainGuard: GuardFunction = (election, fn) => {
  let isDisposed = false;
  return Object.assign(
    (...args: Parameters<typeof fn>) =>
      !isDisposed && election.isLeader() ? fn(...args) : undefined,
    {
      dispose: () => {
        isDisposed = true;
      },
    },
  );
};
