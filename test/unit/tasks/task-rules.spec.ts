import { describe, expect, it } from '@jest/globals';
import { backoff } from '../../../lib/within.js';
import { whyNot, type Situation } from '../../../lib/tasks/task-rules.js';

describe('whyNot()', () => {
  const free: Situation = {
    refusal: undefined,
    isLeading: true,
    isOff: false,
    isPaused: false,
    isBusy: false,
  };
  /** Each wins over those below it. */
  const reasons: [
    change: Partial<Situation>,
    reason: string,
    forced: boolean,
  ][] = [
    [{ refusal: 'disposed' }, 'disposed', false],
    [{ refusal: 'closing' }, 'closing', false],
    [{ isLeading: false }, 'not-leading', false],
    [{ isOff: true }, 'inactive', true],
    [{ isPaused: true }, 'paused', true],
    [{ isBusy: true }, 'overlap', true],
  ];

  it('lets a run begin on a leader where nothing is in its way', () => {
    expect(whyNot(free)).toBeUndefined();
  });

  it.each(reasons)(
    '%j: %s; overruled by force: %s',
    (change, reason, forced) => {
      expect(whyNot({ ...free, ...change })).toBe(reason);
      expect(whyNot({ ...free, ...change }, true)).toBe(
        forced ? undefined : reason,
      );
      const index = reasons.findIndex((row) => row[1] === reason);
      const below = Object.assign(
        {},
        ...reasons
          .slice(index)
          .toReversed()
          .map(([each]) => each),
      ) as object;
      expect(whyNot({ ...free, ...below })).toBe(reason);
    },
  );
});

describe('backoff()', () => {
  it('doubles from the first pause up to the cap, and never overflows', () => {
    const pauses = [1, 2, 3, 4, 60, 5_000].map((tries) =>
      backoff(tries, 1_000, 6_000),
    );
    expect(pauses).toEqual([1_000, 2_000, 4_000, 6_000, 6_000, 6_000]);
  });
});
