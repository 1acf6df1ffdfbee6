import { describe, expect, it, jest } from '@jest/globals';
import { CronTime } from 'cron';
import * as fc from 'fast-check';
import { CronTicks } from '../../../lib/tasks/cron-ticks.js';

const HOUR_MS = 3_600_000;
const YEAR_2026 = Date.parse('2026-01-01T00:00:00Z');

function schedule(source: string | Date, timeZone = 'Europe/Berlin') {
  return new CronTicks(new CronTime(source, timeZone));
}

function at(text: string): number {
  return Date.parse(text);
}

describe('CronTicks', () => {
  it('finds the last tick that next() would have given', () => {
    const expressions = [
      '* * * * * *',
      '*/7 * * * * *',
      '0 */5 * * * *',
      '0 30 2 * * *',
      '0 0 9 * * 1-5',
      '0 0 0 1 * *',
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...expressions),
        fc.constantFrom('Europe/Berlin', 'America/New_York', 'UTC'),
        fc.integer({ min: 0, max: 365 * 24 * HOUR_MS }),
        fc.integer({ min: 0, max: 40 * 24 * HOUR_MS }),
        (expression, timeZone, offsetMs, spanMs) => {
          const until = YEAR_2026 + offsetMs;
          const after = until - spanMs;
          const ticks = schedule(expression, timeZone);
          const isThereOne = Number(ticks.next(after)) <= until;
          const last = ticks.previous(until, after);
          expect(last !== undefined).toBe(isThereOne);
          // It is a tick, and there is none between it and the end.
          expect(last).toBe(isThereOne ? ticks.next(last! - 1) : undefined);
          expect(ticks.next(last ?? after)).toBeGreaterThan(until);
        },
      ),
      { numRuns: 60 },
    );
  }, 60_000);

  it('is asked once where nothing has been missed, and twice for one tick', () => {
    const time = new CronTime('0 0 2 * * *', 'UTC');
    const getNext = jest.spyOn(time, 'getNextDateFrom');
    const ticks = new CronTicks(time);
    const now = at('2026-05-05T12:00:00Z');
    expect(ticks.previous(now, at('2026-05-05T02:00:00Z'))).toBeUndefined();
    expect(getNext).toHaveBeenCalledTimes(1);
    expect(ticks.previous(now, at('2026-05-04T02:00:00Z'))).toBe(
      at('2026-05-05T02:00:00Z'),
    );
    expect(getNext).toHaveBeenCalledTimes(3);
  });

  it('gives a call the tick before it, or the one that it is a little early for', () => {
    const ticks = schedule('0 0 2 * * *', 'UTC');
    const tick = at('2026-05-05T02:00:00Z');
    for (const timeMs of [tick - 15, tick, tick + 1, tick + 5 * HOUR_MS]) {
      expect(ticks.tickOf(timeMs)).toBe(tick);
    }
    expect(ticks.tickOf(tick - 1_000)).toBe(tick - 24 * HOUR_MS);
  });

  it('has each tick of a daylight-saving change once', () => {
    const daily = schedule('0 30 2 * * *');
    const all: string[] = [];
    for (const day of ['2026-03-28T12:00:00Z', '2026-10-24T12:00:00Z']) {
      for (let tick = at(day), count = 0; count < 2; count += 1) {
        tick = daily.next(tick) as number;
        all.push(new Date(tick).toISOString().slice(0, 16));
        // Whatever the way by which it is looked for.
        expect(daily.tickOf(tick + 10 * 60_000)).toBe(tick);
      }
    }
    expect(all).toEqual([
      '2026-03-29T01:00',
      '2026-03-30T00:30',
      '2026-10-25T00:30',
      '2026-10-26T01:30',
    ]);
  });

  it.each([
    ['Europe/Berlin', '0 30 2 * * *', '2026-10-25T00:30:00Z'],
    ['Europe/Berlin', '0 */10 2 * * *', '2026-10-25T00:50:00Z'],
    ['America/New_York', '0 30 1 * * *', '2026-11-01T05:30:00Z'],
    ['Australia/Lord_Howe', '0 45 1 * * *', '2026-04-04T14:45:00Z'],
    ['Africa/Cairo', '0 30 23 * * *', '2026-10-29T20:30:00Z'],
  ])(
    'gives a call in the hour that %s repeats the tick of the first one of %s',
    (timeZone, expression, first) => {
      const ticks = schedule(expression, timeZone);
      const last = at(first);
      expect(ticks.next(last - 1)).toBe(last);
      const nextDay = Number(ticks.next(last));
      expect(nextDay - last).toBeGreaterThan(20 * HOUR_MS);
      // Also to an instance that was started in between.
      for (const minutes of [0, 20, 50, 70, 200]) {
        const timeMs = last + minutes * 60_000;
        expect(ticks.tickOf(timeMs)).toBe(last);
        expect(ticks.previous(timeMs, last)).toBeUndefined();
      }
    },
  );

  it('never goes back, as cron does on an island whose clocks go back by half an hour', () => {
    const ticks = schedule('0 */5 * * * *', 'Australia/Lord_Howe');
    const before = at('2026-04-04T15:00:00Z');
    const mistaken = new CronTime('0 */5 * * * *', 'Australia/Lord_Howe');
    const next = mistaken.getNextDateFrom(
      new Date(before),
      'Australia/Lord_Howe',
    );
    expect(next.toMillis()).toBeLessThan(before);
    expect(ticks.next(before)).toBeGreaterThan(before);
  });

  it('knows a date, of which there is one', () => {
    const date = new Date('2030-05-05T02:00:00Z');
    const once = schedule(date);
    expect(once.next(+date - 1)).toBe(+date);
    expect(once.next(+date)).toBeUndefined();
    expect(once.previous(+date + HOUR_MS, +date - HOUR_MS)).toBe(+date);
    expect(once.previous(+date - 1, -Infinity)).toBeUndefined();
  });

  it('has no ticks for a date that never comes', () => {
    const never = schedule('0 0 0 30 2 *', 'UTC');
    expect(never.next(YEAR_2026)).toBeUndefined();
    expect(never.previous(YEAR_2026, -Infinity)).toBeUndefined();
  });
});
