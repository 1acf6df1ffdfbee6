import { describe, expect, it } from '@jest/globals';
import * as fc from '../../../support/fast-check.js';
import { IntervalTicks } from '../../../../lib/tasks/schedule/ticks.js';

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

  it('gives no call a tick that it was not to be waited for any more', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 999 }),
        fc.array(fc.integer({ min: 0, max: 900 }), { maxLength: 20 }),
        (phaseMs, latenessesMs) => {
          const ticks = new IntervalTicks(1_000);
          let timeMs = 1e12 + phaseMs;
          for (const latenessMs of latenessesMs) {
            timeMs += 1_000 + latenessMs;
            const waitedMs = timeMs - ticks.tickOf(timeMs);
            expect(waitedMs).toBeLessThanOrEqual(ticks.longestWaitMs);
          }
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

  it('knows the calls of the timer after one of other code that came first', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 999 }),
        // A timer may be off by 25 ms: closer calls cannot be told apart.
        fc.integer({ min: 51, max: 949 }),
        fc.array(fc.integer({ min: 51, max: 949 }), { maxLength: 3 }),
        (phaseMs, earlierMs, foreignAfterMs) => {
          const ticks = new IntervalTicks(1_000);
          const firstMs = 1e12 + phaseMs;
          ticks.tickOf(firstMs - earlierMs);
          const given: number[] = [];
          for (let timeMs = firstMs; timeMs <= firstMs + 9_000;) {
            given.push(timeMs - ticks.tickOf(timeMs));
            // In the rhythm of the first call it would be another timer.
            const foreign = foreignAfterMs
              .filter((ms) => Math.abs(ms + earlierMs - 1_000) > 50)
              .toSorted((a, b) => a - b);
            for (const afterMs of foreign) {
              const offMs = timeMs + afterMs - ticks.tickOf(timeMs + afterMs);
              expect(offMs).toBeGreaterThanOrEqual(0);
              expect(offMs).toBeLessThan(1_000);
            }
            timeMs += 1_000;
          }
          // Not the tick before that: it would be run an interval late.
          expect(given).toEqual(given.map(() => phaseMs));
        },
      ),
    );
  });

  it('leaves out no tick when the timer is late once', () => {
    const ticks = new IntervalTicks(1_000);
    expect(ticks.tickOf(10_400)).toBe(10_000);
    // Due at 11,400. It counts from here on.
    expect(ticks.tickOf(12_100)).toBe(11_000);
    expect(ticks.tickOf(13_100)).toBe(12_000);
  });
});
