import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { IntervalTicks } from '../../../lib/tasks/ticks.js';

describe('IntervalTicks', () => {
  it('has the multiples of its length since the epoch as ticks', () => {
    const ticks = new IntervalTicks(1_000);
    expect(ticks.next(5_000)).toBe(6_000);
    expect(ticks.next(5_999)).toBe(6_000);
    expect(ticks.previous(5_999, 4_000)).toBe(5_000);
    expect(ticks.previous(5_999, 5_000)).toBeUndefined();
  });

  it('gives calls that come in time, or a little off, one tick each', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 999 }),
        // A timer counts from its last call, and is sometimes late.
        fc.array(fc.integer({ min: -1, max: 60 }), { maxLength: 50 }),
        (phaseMs, latenessesMs) => {
          const ticks = new IntervalTicks(1_000);
          let timeMs = 1e12 + phaseMs;
          const given = latenessesMs.map((latenessMs) => {
            timeMs += 1_000 + latenessMs;
            return ticks.tickOf(timeMs);
          });
          const steps = given.slice(1).map((tick, i) => tick - given[i]!);
          // Once the latenesses add up to a slot, one of them is left out.
          const driftMs = latenessesMs.reduce((sum, each) => sum + each, 0);
          const total = steps.reduce((sum, each) => sum + each, 0);
          expect(steps.every((step) => step >= 1_000 && step <= 2_000)).toBe(
            true,
          );
          expect(total - steps.length * 1_000).toBeLessThanOrEqual(
            Math.max(0, driftMs) + 1_000,
          );
        },
      ),
    );
  });

  it('leaves out the ticks that a stall has swallowed', () => {
    const ticks = new IntervalTicks(1_000);
    expect(ticks.tickOf(10_400)).toBe(10_000);
    expect(ticks.tickOf(15_400)).toBe(15_000);
  });

  it('gives a call of other code the tick before it, and leaves those of the timer alone', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 999 }),
        fc.array(
          fc.record({
            latenessMs: fc.integer({ min: 0, max: 20 }),
            foreignAfterMs: fc.array(fc.integer({ min: 1, max: 970 })),
          }),
          { minLength: 1, maxLength: 20 },
        ),
        (phaseMs, calls) => {
          const [alone, disturbed] = [
            new IntervalTicks(1_000),
            new IntervalTicks(1_000),
          ];
          let timeMs = 1e12 + phaseMs;
          for (const { latenessMs, foreignAfterMs } of calls) {
            timeMs += 1_000 + latenessMs;
            expect(disturbed.tickOf(timeMs)).toBe(alone.tickOf(timeMs));
            for (const afterMs of foreignAfterMs) {
              const tick = disturbed.tickOf(timeMs + afterMs);
              expect(timeMs + afterMs - tick).toBeLessThan(1_000);
              expect(tick).toBeLessThanOrEqual(timeMs + afterMs);
            }
          }
        },
      ),
    );
  });
});
