import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { IntervalSchedule } from '../../../lib/tasks/schedule/interval-schedule.js';

describe('IntervalSchedule', () => {
  it('has the multiples of its length since the epoch as ticks', () => {
    const ticks = new IntervalSchedule(1_000);
    expect(ticks.next(5_000)).toBe(6_000);
    expect(ticks.next(5_999)).toBe(6_000);
    expect(ticks.previous(5_999, 4_000)).toBe(5_000);
    expect(ticks.previous(5_999, 5_000)).toBeUndefined();
  });

  it('gives calls that come in time, or a little off, one tick each', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 999 }),
        fc.array(fc.integer({ min: -60, max: 60 }), { maxLength: 50 }),
        (phaseMs, offsetsMs) => {
          const ticks = new IntervalSchedule(1_000);
          const given = offsetsMs.map((offsetMs, index) =>
            ticks.tickOf(1e12 + phaseMs + index * 1_000 + offsetMs),
          );
          const steps = given.slice(1).map((tick, i) => tick - given[i]!);
          expect(steps).toEqual(steps.map(() => 1_000));
        },
      ),
    );
  });

  it('leaves out the ticks that a stall has swallowed', () => {
    const ticks = new IntervalSchedule(1_000);
    expect(ticks.tickOf(10_400)).toBe(10_000);
    expect(ticks.tickOf(15_400)).toBe(15_000);
  });
});
