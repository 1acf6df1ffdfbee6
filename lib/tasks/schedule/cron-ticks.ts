import {
  fieldsOf,
  LONGEST_SEARCH_MS,
  nextWallClock,
  type CronFields,
} from './cron-fields.js';
import type { LeaderTaskSchedule } from '../leader-task-info.interface.js';
import type { Ticks } from './ticks.js';
import { zoneClock, type ClockChange, type ZoneClock } from './zone-clock.js';

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

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** A timer may fire a little before its time by the wall clock. */
const TOLERATED_EARLINESS_MS = 20;
/** Around the moment at which clocks go back. */
const MARGIN_MS = HOUR_MS;
/** No clock goes back by more. */
const LONGEST_CHANGE_MS = DAY_MS;

/**
 * The ticks of a cron expression in its time zone: those at which a job of the
 * package `cron` fires, one after the other.
 *
 * `CronTime` itself needs a millisecond for a tick, most of a second for a rare
 * date, and gives another answer where clocks go back, depending on the present
 * time. Its rules are applied here in whole numbers, to the fields that it has
 * parsed (test/unit/tasks/schedule/cron-ticks.spec.ts holds them against the original).
 */
export class CronTicks implements Ticks {
  readonly longestWaitMs = SECOND_MS;
  readonly description: LeaderTaskSchedule;
  readonly #time: CronTimeLike;
  readonly #zone: string;
  readonly #clock: ZoneClock | undefined;
  readonly #fields: CronFields | undefined;
  /** The last answer of {@link next}, which holds until the tick has passed. */
  #known: { after: number; tick: number | undefined } | undefined;
  /** The last answer of {@link previous}: later ones are looked for from there. */
  #latest: number | undefined;
  /** Ticks around a moment at which clocks go back. */
  #around: { at: number; ticks: readonly number[] } | undefined;

  constructor(time: CronTimeLike) {
    this.#time = time;
    this.#zone = zoneOf(time);
    this.#clock = zoneClock(this.#zone);
    this.#fields = time.realDate ? undefined : fieldsOf(time);
    this.description = Object.freeze({
      type: 'cron',
      expression: String(time.source),
      timeZone: this.#zone,
    });
  }

  tickOf(timeMs: number): number | undefined {
    return this.previous(timeMs + TOLERATED_EARLINESS_MS, -Infinity);
  }

  next(afterMs: number): number | undefined {
    const known = this.#known;
    if (
      known &&
      known.after <= afterMs &&
      (known.tick === undefined
        ? afterMs < known.after + DAY_MS
        : afterMs < known.tick)
    ) {
      return known.tick;
    }
    const tick = this.#next(afterMs);
    this.#known = { after: afterMs, tick };
    return tick;
  }

  previous(untilMs: number, afterMs: number): number | undefined {
    if (afterMs > -Infinity) {
      // Mostly there is none, or just one: then there is no need to search.
      const first = this.next(afterMs);
      if (first === undefined || first > untilMs) {
        return undefined;
      }
    }
    const next = (ms: number): number | undefined => this.next(ms);
    const latest = this.#latest ?? Infinity;
    const last =
      latest <= untilMs
        ? lastFrom(latest, next, untilMs)
        : lastTick(next, untilMs, afterMs);
    this.#latest = last ?? this.#latest;
    return last !== undefined && last > afterMs ? last : undefined;
  }

  #next(afterMs: number): number | undefined {
    if (this.#time.realDate) {
      const tick = Number(this.#time.source);
      return tick > afterMs ? tick : undefined;
    }
    if (!this.#clock || !this.#fields) {
      return this.#askCron(afterMs);
    }
    if (afterMs === -Infinity) {
      return undefined;
    }
    const tick = this.#fire(afterMs, this.#fields, this.#clock);
    for (const near of tick === undefined ? [afterMs] : [afterMs, tick]) {
      const change = this.#clock.changeNear(
        near,
        LONGEST_CHANGE_MS + MARGIN_MS,
      );
      const among =
        change && goesBackNear(change, near)
          ? this.#ticksAround(change).find((each) => each > afterMs)
          : undefined;
      if (among !== undefined) {
        return among;
      }
    }
    return tick;
  }

  /**
   * Where clocks go back, what is next depends on where one comes from: what
   * counts is the job that has been running since before.
   */
  #ticksAround({ at, before, after }: ClockChange): readonly number[] {
    if (this.#around?.at !== at) {
      const byMs = before - after;
      const ticks: number[] = [];
      const [begin, end] = [at - byMs - MARGIN_MS, at + byMs + MARGIN_MS];
      this.#around = { at, ticks };
      const fields = this.#fields as CronFields;
      const clock = this.#clock as ZoneClock;
      const fire = (ms: number): number | undefined =>
        this.#fire(ms, fields, clock);
      // Not by previous(): that asks for the ticks around other changes.
      let tick: number | undefined =
        lastTick(fire, begin - 1, -Infinity) ?? begin - 1;
      while (tick !== undefined && tick <= end) {
        tick = fire(tick);
        if (tick !== undefined && tick >= begin) {
          ticks.push(tick);
        }
      }
    }
    return this.#around?.ticks ?? [];
  }

  /** When a job fires next that fired, or was started, at `startMs`. */
  #fire(
    startMs: number,
    fields: CronFields,
    clock: ZoneClock,
  ): number | undefined {
    const wall = nextWallClock(fields, startMs + clock.offsetAt(startMs));
    if (wall === undefined) {
      return undefined;
    }
    const wallAt = (ms: number): Date => new Date(ms + clock.offsetAt(ms));
    let tick = momentOf(wall, clock, startMs);
    const shown = wallAt(tick);
    if (shown.getTime() === wall && !clock.changeNear(tick, DAY_MS)) {
      return tick;
    }
    const winter = clock.offsetAt(
      momentOf(Date.UTC(shown.getUTCFullYear(), 0), clock, startMs),
    );
    const asked = new Date(wall);
    if (
      (asked.getUTCHours() !== shown.getUTCHours() ||
        asked.getUTCMinutes() !== shown.getUTCMinutes()) &&
      clock.offsetAt(tick) !== winter
    ) {
      // A time that does not exist: as soon as clocks have gone forward.
      for (
        let step = 0;
        step < 24 * 60 && clock.offsetAt(tick - MINUTE_MS) !== winter;
        step += 1
      ) {
        tick -= MINUTE_MS;
      }
      return tick;
    }
    // A time that exists twice: the first of the two.
    const hourOf = (ms: number): number => wallAt(ms).getUTCHours();
    const minuteOf = (ms: number): number => wallAt(ms).getUTCMinutes();
    const hourBefore = tick - HOUR_MS;
    if (
      (hourOf(hourBefore) === hourOf(tick) ||
        hourOf(tick - 2 * HOUR_MS) === hourOf(hourBefore)) &&
      hourBefore > startMs
    ) {
      tick = hourBefore;
    }
    const halfBefore = tick - HOUR_MS / 2;
    return (minuteOf(halfBefore) === minuteOf(tick) ||
      minuteOf(hourBefore) === minuteOf(halfBefore)) &&
      halfBefore > startMs
      ? halfBefore
      : tick;
  }

  /** For a zone or a `CronTime` of another kind. */
  #askCron(afterMs: number): number | undefined {
    try {
      // Where clocks go back it may answer with a time that has passed.
      for (let aheadMs = 0; aheadMs <= 2 * HOUR_MS; aheadMs += MINUTE_MS) {
        const tick = this.#time
          .getNextDateFrom(new Date(afterMs + aheadMs), this.#zone)
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
}

function goesBackNear({ at, before, after }: ClockChange, ms: number): boolean {
  const byMs = before - after;
  return byMs > 0 && Math.abs(ms - at) <= byMs + MARGIN_MS;
}

/**
 * The last tick after `afterMs` that is not after `untilMs`: looks from ever
 * farther back until there is one.
 */
function lastTick(
  next: (afterMs: number) => number | undefined,
  untilMs: number,
  afterMs: number,
): number | undefined {
  let none = untilMs;
  const least = Math.max(afterMs, untilMs - LONGEST_SEARCH_MS);
  for (let span = SECOND_MS; none > least; span *= 4) {
    const from = Math.max(least, untilMs - span);
    const tick = next(from) ?? Infinity;
    if (tick <= untilMs) {
      return lastFrom(tick, next, untilMs, none);
    }
    none = from;
  }
  return undefined;
}

/**
 * The last tick that is not after `untilMs`, from a tick that is not: halves what
 * lies between, and is done as soon as the next tick is later.
 *
 * @param none no tick lies after it
 */
function lastFrom(
  tick: number,
  next: (afterMs: number) => number | undefined,
  untilMs: number,
  none = untilMs,
): number {
  let last = tick;
  for (;;) {
    const following = next(last) ?? Infinity;
    if (following > untilMs) {
      return last;
    }
    const middle = Math.floor((following + none) / 2);
    const later = next(middle) ?? Infinity;
    if (later <= untilMs) {
      last = later;
    } else {
      last = following;
      none = middle;
    }
  }
}

/** When wall clocks show `wall`; `nowMs` decides where they do so twice. */
function momentOf(wall: number, clock: ZoneClock, nowMs: number): number {
  const guessed = clock.offsetAt(nowMs);
  const first = clock.offsetAt(wall - guessed);
  if (first === guessed) {
    return wall - guessed;
  }
  const second = clock.offsetAt(wall - first);
  return wall - (second === first ? first : Math.min(first, second));
}

/** The zone by cron's own rules: an empty name is UTC. */
function zoneOf({ timeZone, utcOffset }: CronTimeLike): string {
  if (utcOffset === undefined) {
    return timeZone || 'UTC';
  }
  const minutes = Math.abs(utcOffset);
  const two = (value: number): string =>
    String(Math.trunc(value)).padStart(2, '0');
  return `UTC${utcOffset < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
}
