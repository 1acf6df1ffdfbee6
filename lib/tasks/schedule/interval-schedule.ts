import type { LeaderTaskSchedule } from '../leader-task-info.interface.js';
import type { TaskSchedule } from './task-schedule.interface.js';

/**
 * The ticks of an interval: the multiples of its length since the epoch.
 *
 * Every process counts its interval from its own start, so its calls fall
 * somewhere into these slots, and a call that comes a millisecond late may fall
 * into the slot after the next. A call therefore belongs to the tick that
 * follows the one before it, while that is not more than half a slot away.
 */
export class IntervalSchedule implements TaskSchedule {
  readonly description: LeaderTaskSchedule;
  readonly longestWaitMs: number;
  readonly #everyMs: number;
  #last: { readonly timeMs: number; readonly tick: number } | undefined;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
    this.longestWaitMs = everyMs;
    this.description = { type: 'interval', everyMs };
  }

  tickOf(timeMs: number): number {
    const tick = this.#follow(timeMs) ?? this.#slot(timeMs);
    this.#last = { timeMs, tick };
    return tick;
  }

  next(afterMs: number): number {
    return this.#slot(afterMs) + this.#everyMs;
  }

  previous(untilMs: number, afterMs: number): number | undefined {
    const tick = this.#slot(untilMs);
    return tick > afterMs ? tick : undefined;
  }

  #follow(timeMs: number): number | undefined {
    if (!this.#last) {
      return undefined;
    }
    const steps = Math.round((timeMs - this.#last.timeMs) / this.#everyMs);
    const tick = this.#last.tick + steps * this.#everyMs;
    const offset = (timeMs - tick) / this.#everyMs;
    return steps > 0 && offset > -0.5 && offset < 1.5 ? tick : undefined;
  }

  #slot(timeMs: number): number {
    return Math.floor(timeMs / this.#everyMs) * this.#everyMs;
  }
}
