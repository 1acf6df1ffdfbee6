import type {
  OnlyLeaderFunction,
  OnlyLeaderOptions,
} from '../tasks/leader-task-options.interface.js';
import type { ManagedElection } from './leader-elections.js';

/** Puts a guard around a function; what the tasks lend to the elections. */
export type GuardFunction = <Args extends unknown[], Result>(
  election: ManagedElection,
  fn: (...args: Args) => Result,
  options: OnlyLeaderOptions,
) => OnlyLeaderFunction<Args, Result>;
