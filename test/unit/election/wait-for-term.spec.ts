import { describe, expect, it, jest } from '@jest/globals';
import { LeadershipState } from '../../../lib/election/leadership-state.js';
import type { WaitForLeadershipOptions } from '../../../lib/election/leadership.interface.js';
import { waitForTerm } from '../../../lib/election/wait-for-term.js';

describe('waiting for a term', () => {
  it('ends after a time that is longer than a timer can be', async () => {
    jest.useFakeTimers();
    try {
      const state = new LeadershipState('billing', 'a', 'starting');
      const outcome = waitForTerm(state, { timeoutMs: 2 ** 31 }).catch(
        (error: { code: string }) => error.code,
      );
      await jest.advanceTimersByTimeAsync(2 ** 31);
      expect(await outcome).toBe('TIMEOUT');
    } finally {
      jest.useRealTimers();
    }
  });

  it.each([2 ** 31 - 1, 2 ** 31, 2 ** 40, Infinity])(
    'goes on for %d ms',
    async (timeoutMs) => {
      jest.useFakeTimers();
      try {
        const state = new LeadershipState('billing', 'a', 'starting');
        const outcome = waitForTerm(state, { timeoutMs }).then(
          () => 'leads',
          (error: { code: string }) => error.code,
        );
        await jest.advanceTimersByTimeAsync(2 ** 31 - 2);
        expect(jest.getTimerCount()).toBe(timeoutMs === Infinity ? 0 : 1);
        state.lead(1, 'elected');
        expect(await outcome).toBe('leads');
        expect(jest.getTimerCount()).toBe(0);
      } finally {
        jest.useRealTimers();
      }
    },
  );

  it.each([
    [{ timeout: 5 }, /there is no option timeout. Did you mean timeoutMs/],
    [{ timeoutMs: '5' }, /option timeoutMs '5' is not a number/],
    [{ timeoutMs: Number.NaN }, /option timeoutMs NaN is not a number/],
    [{ timeoutMs: -1 }, /option timeoutMs -1 is not a number/],
    [5, /the options are a number/],
  ])('refuses %j instead of waiting for ever', async (options, expected) => {
    const state = new LeadershipState('billing', 'a', 'starting');
    const outcome = waitForTerm(state, options as WaitForLeadershipOptions);
    await expect(outcome).rejects.toThrow(expected);
  });
});
