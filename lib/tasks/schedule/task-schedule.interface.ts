import type { LeaderTaskSchedule } from '../leader-task-info.interface.js';

/**
 * The ticks of a task, as milliseconds since the epoch. They do not depend on
 * when or where they are asked for, so that all instances name a tick alike.
 */
export interface TaskSchedule {
  readonly description: LeaderTaskSchedule;
  /** How long after its time a tick may be called for, where nothing is wrong. */
  readonly longestWaitMs: number;
  /** The tick that a call at `timeMs` belongs to. */
  tickOf(timeMs: number): number | undefined;
  /** The first tick after `afterMs`. */
  next(afterMs: number): number | undefined;
  /** The last tick after `afterMs` that is not after `untilMs`. */
  previous(untilMs: number, afterMs: number): number | undefined;
}
