import type { LeaderTaskSchedule } from '../leader-task-info.interface.js';
import type { TaskSchedule } from './task-schedule.interface.js';

/** The part of `CronTime` of the package `cron` that is used here. */
export interface CronTimeLike {
  readonly source: unknown;
  readonly timeZone?: string;
  /** Minutes. */
  readonly utcOffset?: number;
  /** Whether the source is a date, of which there is one. */
  readonly realDate: boolean;
  getNextDateFrom(start: Date, timeZone?: string): CronDateLike;
}

/** The part of luxon's `DateTime` that is used here. */
interface CronDateLike {
  /** Of the time zone, minutes. */
  readonly offset: number;
  toMillis(): number;
  minus(duration: { hours: number }): CronDateLike;
}

const HOUR_MS = 3_600_000;
/** A timer may fire a little before its time by the wall clock. */
const TOLERATED_EARLINESS_MS = 20;
/** Ticks are whole seconds. */
const RESOLUTION_MS = 1_000;
/** Clocks go back by two hours at most. */
const REPEATED_HOURS = 2;
const LONGEST_MISTAKE_MS = REPEATED_HOURS * HOUR_MS;
const STEP_MS = 60_000;
/** Of more ticks than this none is looked at one by one. */
const MOST_WALKED = 500;
/** As far as `cron` looks. */
const LONGEST_SEARCH_MS = 8 * 366 * 24 * HOUR_MS;

/**
 * The ticks of a cron expression in its time zone, computed by the `CronTime`
 * of the application's own `@nestjs/schedule`: what a tick is, also where
 * clocks go forward or back, is what the job itself makes of it.
 */
export class CronSchedule implements TaskSchedule {
  readonly longestWaitMs = RESOLUTION_MS;
  readonly #time: CronTimeLike;
  readonly #timeZone: string;

  constructor(time: CronTimeLike) {
    this.#time = time;
    this.#timeZone = timeZoneOf(time);
  }

  get description(): LeaderTaskSchedule {
    return {
      type: 'cron',
      expression: String(this.#time.source),
      timeZone: this.#timeZone,
    };
  }

  tickOf(timeMs: number): number | undefined {
    return this.previous(timeMs + TOLERATED_EARLINESS_MS, -Infinity);
  }

  next(afterMs: number): number | undefined {
    if (this.#time.realDate) {
      const tick = Number(this.#time.source);
      return tick > afterMs ? tick : undefined;
    }
    try {
      // Where clocks go back by half an hour, `cron` goes back too: then what is
      // asked for is later than the hour that it is mistaken about.
      for (let aheadMs = 0; aheadMs <= LONGEST_MISTAKE_MS; aheadMs += STEP_MS) {
        const tick = this.#time
          .getNextDateFrom(new Date(afterMs + aheadMs), this.#timeZone)
          .toMillis();
        if (tick > afterMs) {
          return tick;
        }
      }
    } catch {
      // No such date in the next years, as with the 30th of February.
    }
    return undefined;
  }

  /**
   * `cron` only looks forward. Looks from ever farther back until there is a
   * tick, then halves what lies between for the last one.
   */
  previous(untilMs: number, afterMs: number): number | undefined {
    if (this.#time.realDate) {
      const tick = this.next(afterMs);
      return tick !== undefined && tick <= untilMs ? tick : undefined;
    }
    if (Number.isFinite(afterMs)) {
      // Mostly there is none, or just one: then there is no need to search.
      const first = this.next(afterMs);
      if (first === undefined || first > untilMs) {
        return undefined;
      }
      if (!this.#hasTick(first, untilMs)) {
        return first;
      }
    }
    let none = untilMs;
    for (let span = RESOLUTION_MS; span < LONGEST_SEARCH_MS; span *= 2) {
      const from = Math.max(afterMs, untilMs - span);
      if (this.#hasTick(from, untilMs)) {
        const last = this.#first(
          this.next(this.#lastBefore(from, none, untilMs)),
        );
        return last !== undefined && last > afterMs ? last : undefined;
      }
      if (from === afterMs) {
        return undefined;
      }
      none = from;
    }
    return undefined;
  }

  /** Narrows `some`, after which there are ticks, down to the last one. */
  #lastBefore(some: number, none: number, untilMs: number): number {
    let [from, to] = [some, none];
    while (to - from > RESOLUTION_MS) {
      const middle = Math.floor((from + to) / 2);
      if (this.#hasTick(middle, untilMs)) {
        from = middle;
      } else {
        to = middle;
      }
    }
    return from;
  }

  /**
   * The tick that is meant by one that was found by looking for it. When clocks
   * go back, `cron` gives 02:30 once to whoever comes from a tick before it, and
   * a second time to whoever asks from within the hour that is repeated.
   */
  #first(found: number | undefined): number | undefined {
    if (found === undefined || !this.#isRepeated(found)) {
      return found;
    }
    let last = found;
    let tick = this.next(found - (REPEATED_HOURS + 1) * HOUR_MS);
    for (let walked = 0; tick !== undefined && tick <= found; walked += 1) {
      if (walked === MOST_WALKED) {
        return found;
      }
      last = tick;
      tick = this.next(tick);
    }
    return last;
  }

  /** Whether clocks have gone back so shortly before that it may be repeated. */
  #isRepeated(tick: number): boolean {
    const date = this.#time.getNextDateFrom(new Date(tick - 1), this.#timeZone);
    return date.minus({ hours: REPEATED_HOURS }).offset > date.offset;
  }

  #hasTick(afterMs: number, untilMs: number): boolean {
    const tick = this.next(afterMs);
    return tick !== undefined && tick <= untilMs;
  }
}

function timeZoneOf({ timeZone, utcOffset }: CronTimeLike): string {
  if (utcOffset === undefined) {
    return timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  }
  const minutes = Math.abs(utcOffset);
  const two = (value: number): string =>
    String(Math.trunc(value)).padStart(2, '0');
  return `UTC${utcOffset < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
}
