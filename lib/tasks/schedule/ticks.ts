import { LONGEST_TIMER_MS } from '../../validate.js';
import type { LeaderTaskSchedule } from '../leader-task-info.interface.js';

/**
 * The ticks of a task, as milliseconds since the epoch. They do not depend on
 * when or where somebody asks: all instances name a tick alike.
 */
export interface Ticks {
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

/** A timer may fire a little before its time by the wall clock. */
const TOLERATED_EARLINESS_MS = 25;
const MOST_KEPT = 10;
/** In lengths of the interval: so far behind its tick a late timer may be. */
const LONGEST_WAIT = 1.5;

interface TimerCall {
  readonly timeMs: number;
  readonly tick: number;
}

/** How long an interval of `setInterval()` really is. */
export function intervalLength(everyMs: unknown): number {
  const wanted = Number(everyMs);
  return wanted >= 1 && wanted <= LONGEST_TIMER_MS ? Math.trunc(wanted) : 1;
}

/**
 * The ticks of an interval: the multiples of its length since the epoch.
 *
 * Every process counts its interval from its own start, and a call that comes a
 * millisecond late may fall into the slot after the next. A call of the timer
 * therefore has the tick that follows the one of its last call, while that is not
 * more than half a slot away.
 *
 * A timer never fires sooner than one interval after it fired last. Of two calls
 * that are closer, one was made by other code: either has the tick before it. The
 * rhythm of the calls that follow shows which one the timer made.
 */
export class IntervalTicks implements Ticks {
  readonly description: LeaderTaskSchedule;
  readonly longestWaitMs: number;
  readonly #everyMs: number;
  readonly #toleratedMs: number;
  /** The last call of the timer, as far as is known. */
  #last: TimerCall | undefined;
  /** Calls that came too soon after it. */
  #soon: TimerCall[] = [];

  constructor(everyMs: number) {
    this.#everyMs = intervalLength(everyMs);
    this.longestWaitMs = this.#everyMs * LONGEST_WAIT;
    this.#toleratedMs = Math.min(TOLERATED_EARLINESS_MS, this.#everyMs / 8);
    this.description = { type: 'interval', everyMs: this.#everyMs };
  }

  tickOf(timeMs: number): number {
    const sinceMs = this.#last ? timeMs - this.#last.timeMs : Infinity;
    if (sinceMs >= 0 && sinceMs < this.#everyMs - this.#toleratedMs) {
      const call = { timeMs, tick: this.#slot(timeMs) };
      this.#soon = [...this.#soon, call].slice(-MOST_KEPT);
      return call.tick;
    }
    const timer =
      [this.#last, ...this.#soon].find((call) =>
        this.#isInRhythm(call, timeMs),
      ) ?? (this.#soon.length === 0 ? this.#last : undefined);
    const tick = this.#follow(timer, timeMs) ?? this.#slot(timeMs);
    this.#last = { timeMs, tick };
    this.#soon = [];
    return tick;
  }

  next(afterMs: number): number {
    return this.#slot(afterMs) + this.#everyMs;
  }

  previous(untilMs: number, afterMs: number): number | undefined {
    const tick = this.#slot(untilMs);
    return tick > afterMs ? tick : undefined;
  }

  /** The tick as many intervals after that of `former` as have passed since. */
  #follow(former: TimerCall | undefined, timeMs: number): number | undefined {
    if (!former) {
      return undefined;
    }
    const passedMs = timeMs - former.timeMs + this.#toleratedMs;
    const steps = Math.floor(passedMs / this.#everyMs);
    const tick = former.tick + steps * this.#everyMs;
    const offset = (timeMs - tick) / this.#everyMs;
    return steps > 0 && offset > -0.5 && offset < LONGEST_WAIT
      ? tick
      : undefined;
  }

  /** Whether a timer that fired at `former` fires now. */
  #isInRhythm(former: TimerCall | undefined, timeMs: number): boolean {
    const everyMs = this.#everyMs;
    const passedMs = former ? timeMs - former.timeMs : NaN;
    const offMs = passedMs - Math.round(passedMs / everyMs) * everyMs;
    return Math.abs(offMs) <= this.#toleratedMs;
  }

  #slot(timeMs: number): number {
    return Math.floor(timeMs / this.#everyMs) * this.#everyMs;
  }
}
