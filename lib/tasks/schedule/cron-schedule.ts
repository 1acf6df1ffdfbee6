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
  getNextDateFrom(start: Date, timeZone?: string): { toMillis(): number };
}

/** A timer may fire a little before its time by the wall clock. */
const TOLERATED_EARLINESS_MS = 20;
/** Ticks are whole seconds. */
const RESOLUTION_MS = 1_000;
/** As far as `cron` looks. */
const LONGEST_SEARCH_MS = 8 * 366 * 24 * 3_600_000;

/**
 * The ticks of a cron expression in its time zone, computed by the `CronTime`
 * of the application's own `@nestjs/schedule`: what a tick is, also where
 * clocks go forward or back, is what the job itself makes of it.
 */
export class CronSchedule implements TaskSchedule {
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
      return this.#time
        .getNextDateFrom(new Date(afterMs), this.#timeZone)
        .toMillis();
    } catch {
      // No such date in the next years, as with the 30th of February.
      return undefined;
    }
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
        return this.next(this.#lastBefore(from, none, untilMs));
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
