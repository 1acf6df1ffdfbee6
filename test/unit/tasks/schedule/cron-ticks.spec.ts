import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { CronTime } from 'cron';
import * as fc from '../../../support/fast-check.js';
import { createRequire } from 'node:module';
import { CronTicks } from '../../../../lib/tasks/schedule/cron-ticks.js';

/** The one that cron itself uses. */
const { Settings } = createRequire(import.meta.url)(
  'luxon',
) as typeof import('luxon');
const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const YEAR_2026 = Date.parse('2026-01-01T00:00:00Z');

afterEach(() => {
  Settings.now = () => Date.now();
});

function ticksOf(source: string | Date, timeZone = 'Europe/Berlin'): CronTicks {
  return new CronTicks(new CronTime(source, timeZone));
}

function at(text: string): number {
  return Date.parse(text);
}

/** When a job of `cron` itself fires, its timers being a little late. */
function firingsOf(
  time: CronTime,
  from: number,
  to: number,
  most: number,
): number[] {
  let now = from;
  Settings.now = () => now;
  const firings: number[] = [];
  while (firings.length < most) {
    const next = time.sendAt().toMillis();
    if (next >= to) {
      break;
    }
    firings.push(next);
    now = Math.max(next, now + 1) + 3;
  }
  return firings;
}

const values = (least: number, most: number) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant('*') },
    {
      weight: 3,
      arbitrary: fc.integer({ min: least, max: most }).map(String),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          fc.integer({ min: least, max: most }),
          fc.integer({ min: least, max: most }),
        )
        .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 2, max: 20 }).map((n) => `*/${n}`),
    },
  );
const expressions = fc
  .tuple(
    fc.integer({ min: 0, max: 59 }).map(String),
    values(0, 59),
    values(0, 23),
    values(1, 28),
    values(1, 12),
    values(0, 6),
  )
  .map((fields) => fields.join(' '));
const zones = fc.constantFrom(
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Santiago',
  'Africa/Casablanca',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Antarctica/Troll',
  'Pacific/Apia',
);

describe('CronTicks', () => {
  it('has the ticks at which a job of cron itself fires, one after the other', () => {
    fc.assert(
      fc.property(
        expressions,
        zones,
        fc.integer({ min: 0, max: 365 * DAY_MS }),
        (expression, timeZone, offsetMs) => {
          const from = YEAR_2026 + offsetMs;
          const time = new CronTime(expression, timeZone);
          const firings = firingsOf(time, from, from + 500 * DAY_MS, 5);
          const ticks = ticksOf(expression, timeZone);
          let last = from;
          for (const firing of firings) {
            const next = ticks.next(last);
            expect(next).toBe(firing);
            expect(ticks.tickOf(firing + 3)).toBe(firing);
            last = firing;
          }
        },
      ),
      { numRuns: 25 },
    );
  }, 60_000);

  it.each([
    ['Europe/Berlin', '2026-10-25T01:00:00Z'],
    ['America/New_York', '2026-11-01T06:00:00Z'],
    ['America/Havana', '2026-11-01T05:00:00Z'],
    ['Australia/Lord_Howe', '2026-04-04T15:00:00Z'],
    ['Antarctica/Troll', '2026-10-25T01:00:00Z'],
    ['Europe/Berlin', '2026-03-29T01:00:00Z'],
    ['Antarctica/Troll', '2026-03-29T01:00:00Z'],
  ])(
    'gives each firing around the change of the clocks of %s at %s a tick of its own',
    (timeZone, change) => {
      for (const expression of [
        '0 30 2 * * *',
        '0 0 0 * * *',
        '0 30 1 * * *',
        '0 */30 * * * *',
        '0 0 */2 * * *',
        '0 5 0-2 * * *',
      ]) {
        const from = at(change) - 7 * HOUR_MS;
        const to = at(change) + 5 * HOUR_MS;
        const time = new CronTime(expression, timeZone);
        const firings = firingsOf(time, from, to, 1_000);
        const ticks = ticksOf(expression, timeZone);
        expect(firings.map((firing) => ticks.tickOf(firing + 3))).toEqual(
          firings,
        );
        const listed: number[] = [];
        for (
          let tick = ticks.next(from);
          tick !== undefined && tick < to;
          tick = ticks.next(tick)
        ) {
          listed.push(tick);
        }
        expect(listed).toEqual(firings);
      }
    },
  );

  it.each([
    ['53 47 * * 11 0', 'America/New_York', '2026-11-01T04:47:53Z'],
    ['0 30 1 * 11 0', 'America/New_York', '2026-11-01T05:30:00Z'],
    ['16 34 * * 4 0', 'America/Santiago', '2026-04-05T03:34:16Z'],
    ['0 30 2 * 10 0', 'Europe/Berlin', '2026-10-04T00:30:00Z'],
    ['0 30 2 25 10 *', 'Europe/Berlin', '2026-10-25T00:30:00Z'],
  ])(
    'finds the ticks of %s of %s, which come in a month where clocks go back',
    (expression, timeZone, first) => {
      const ticks = ticksOf(expression, timeZone);
      expect(ticks.next(YEAR_2026)).toBe(at(first));
      expect(ticks.tickOf(at(first))).toBe(at(first));
      // Of the year before.
      const former = Number(ticks.previous(at(first) - 1, -Infinity));
      expect(at(first) - former).toBeGreaterThan(300 * DAY_MS);
    },
  );

  it('has an answer for every expression and zone, at any time', () => {
    fc.assert(
      fc.property(
        expressions,
        zones,
        fc.integer({ min: 0, max: 365 * DAY_MS }),
        (expression, timeZone, offsetMs) => {
          const from = YEAR_2026 + offsetMs;
          const ticks = ticksOf(expression, timeZone);
          const next = ticks.next(from);
          expect(next).toBeGreaterThan(from);
          expect(ticks.tickOf(Number(next))).toBe(next);
          expect(ticksOf(expression, timeZone).tickOf(Number(next))).toBe(next);
        },
      ),
      { numRuns: Number(process.env.CRON_RUNS ?? 200) },
    );
  });

  it('finds the last tick that next() would have given', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(
          '* * * * * *',
          '*/7 * * * * *',
          '0 */5 * * * *',
          '0 30 2 * * *',
          '0 0 9 * * 1-5',
          '0 0 0 1 * *',
        ),
        zones,
        fc.integer({ min: 0, max: 365 * DAY_MS }),
        fc.integer({ min: 0, max: 40 * DAY_MS }),
        (expression, timeZone, offsetMs, spanMs) => {
          const until = YEAR_2026 + offsetMs;
          const after = until - spanMs;
          const ticks = ticksOf(expression, timeZone);
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

  it('gives the same answers, whatever it has been asked before', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(
          '* * * * * *',
          '*/7 * * * * *',
          '0 */5 * * * *',
          '0 30 2 * * *',
          '0 0 9 * * 1-5',
          '0 0 0 29 2 *',
        ),
        zones,
        fc.array(fc.integer({ min: 0, max: 365 * DAY_MS }), {
          minLength: 2,
          maxLength: 8,
        }),
        fc.boolean(),
        (expression, timeZone, offsets, isForward) => {
          const ticks = ticksOf(expression, timeZone);
          const times = isForward ? offsets.toSorted((a, b) => a - b) : offsets;
          for (const offsetMs of times) {
            const now = YEAR_2026 + offsetMs;
            const anew = ticksOf(expression, timeZone);
            expect(ticks.next(now)).toBe(anew.next(now));
            expect(ticks.tickOf(now)).toBe(anew.tickOf(now));
            expect(ticks.previous(now, now - DAY_MS)).toBe(
              anew.previous(now, now - DAY_MS),
            );
          }
        },
      ),
      { numRuns: 60 },
    );
  }, 60_000);

  it('computes the next tick and the last one once, until the next has passed', () => {
    const original = new CronTime('0 0 29 2 *', 'UTC');
    const asked = jest.fn(original.getNextDateFrom.bind(original));
    const ticks = new CronTicks({
      source: original.source,
      timeZone: 'UTC',
      realDate: false,
      getNextDateFrom: asked,
    });
    const look = (time: string): (number | undefined)[] => [
      ticks.next(at(time)),
      ticks.tickOf(at(time)),
    ];
    const [last, next, later] = ['2024', '2028', '2032'].map((year) =>
      at(`${year}-02-29T00:00:00Z`),
    );
    expect(look('2026-05-05T12:00:00Z')).toEqual([next, last]);
    asked.mockClear();
    expect(look('2026-05-05T12:00:01Z')).toEqual([next, last]);
    expect(look('2028-02-28T23:59:59Z')).toEqual([next, last]);
    expect(asked).not.toHaveBeenCalled();
    expect(look('2028-02-29T00:00:00Z')).toEqual([later, next]);
    asked.mockClear();
    expect(look('2028-03-01T00:00:00Z')).toEqual([later, next]);
    expect(asked).not.toHaveBeenCalled();
  });

  it('asks cron for nothing', () => {
    const time = new CronTime('0 0 2 * * *', 'UTC');
    Object.defineProperty(time, 'getNextDateFrom', {
      value: () => {
        throw new Error('asked');
      },
    });
    const ticks = new CronTicks(time);
    expect(ticks.previous(at('2026-05-05T12:00:00Z'), -Infinity)).toBe(
      at('2026-05-05T02:00:00Z'),
    );
  });

  it('asks cron itself where a CronTime looks otherwise', () => {
    const original = new CronTime('0 0 2 * * *', 'UTC');
    const time = {
      source: original.source,
      timeZone: 'UTC',
      realDate: false,
      getNextDateFrom: original.getNextDateFrom.bind(original),
    };
    expect(new CronTicks(time).tickOf(at('2026-05-05T12:00:00Z'))).toBe(
      at('2026-05-05T02:00:00Z'),
    );
  });

  it('gives a call the tick before it, or the one that it is a little early for', () => {
    const ticks = ticksOf('0 0 2 * * *', 'UTC');
    const tick = at('2026-05-05T02:00:00Z');
    for (const timeMs of [tick - 15, tick, tick + 1, tick + 5 * HOUR_MS]) {
      expect(ticks.tickOf(timeMs)).toBe(tick);
    }
    expect(ticks.tickOf(tick - SECOND_MS)).toBe(tick - DAY_MS);
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
      const ticks = ticksOf(expression, timeZone);
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

  it.each([
    ['', 'UTC'],
    ['UTC', 'UTC'],
    ['Asia/Calcutta', 'Asia/Calcutta'],
    ['europe/berlin', 'europe/berlin'],
    ['system', 'system'],
    ['UTC+5', 'UTC+5'],
    ['Etc/GMT-3', 'Etc/GMT-3'],
  ])('reads the time zone %j by the rules of cron', (timeZone, named) => {
    const time = new CronTime('0 0 2 * * *', timeZone);
    const ticks = new CronTicks(time);
    expect(ticks.description).toMatchObject({ timeZone: named });
    expect(ticks.next(Date.now())).toBe(time.sendAt().toMillis());
  });

  it.each([330, -210, 0])('reads the offset %d', (utcOffset) => {
    const time = new CronTime('0 0 2 * * *', null, utcOffset);
    expect(new CronTicks(time).next(Date.now())).toBe(time.sendAt().toMillis());
  });

  it('knows a date, of which there is one', () => {
    const date = new Date('2030-05-05T02:00:00Z');
    const once = ticksOf(date);
    expect(once.next(+date - 1)).toBe(+date);
    expect(once.next(+date)).toBeUndefined();
    expect(once.previous(+date + HOUR_MS, +date - HOUR_MS)).toBe(+date);
    expect(once.previous(+date - 1, -Infinity)).toBeUndefined();
  });

  it('has no ticks for a date that never comes', () => {
    const never = ticksOf('0 0 0 30 2 *', 'UTC');
    expect(never.next(YEAR_2026)).toBeUndefined();
    expect(never.previous(YEAR_2026, -Infinity)).toBeUndefined();
  });

  it('finds a rare date', () => {
    const rare = ticksOf('0 0 0 29 2 *', 'UTC');
    expect(rare.next(YEAR_2026)).toBe(at('2028-02-29T00:00:00Z'));
    expect(rare.previous(YEAR_2026, -Infinity)).toBe(
      at('2024-02-29T00:00:00Z'),
    );
  });
});
