import { describe, expect, it } from '@jest/globals';
import * as fc from '../../support/fast-check.js';
import { SELF_FENCE_MS } from '../../../lib/guardian/application/self-fence.js';
import {
  GRACE_MS,
  isStalled,
  judgeEnd,
  tickMsOf,
} from '../../../lib/guardian/judgement.js';

const T = 10_000;

describe('the judgement of a silence', () => {
  it.each([
    ['an application that is heard', 0, 3 * T, false],
    ['a silence below half the timeout', T / 2 - 1, 3 * T, false],
    ['a silence of half the timeout', T / 2, 3 * T, true],
    ['a silence of one timeout', T, 3 * T, true],
    ['a stall that leaves one timeout of maxStallMs', 2 * T, 3 * T, false],
    ['a stall far beyond maxStallMs', 9 * T, 3 * T, false],
    ['a stall that the server ends by maxStallMs anyway', T / 2, T, false],
  ])('of %s', (_name, silentMs, maxStallMs, isIt) => {
    const limits = { sessionTimeoutMs: T, maxStallMs };
    expect(isStalled(silentMs, silentMs, limits)).toBe(isIt);
  });

  const limits = { sessionTimeoutMs: T, maxStallMs: 3 * T };

  it('keeps a session only in a long silence that leaves more than one timeout of maxStallMs', () => {
    const silences = fc.double({ min: 0, max: 1e6, noNaN: true });
    const holds = (
      byTicksMs: number,
      byClockMs: number,
      sessionTimeoutMs: number,
      maxStallMs: number,
    ): boolean => {
      const isKept = isStalled(byTicksMs, byClockMs, {
        sessionTimeoutMs,
        maxStallMs,
      });
      const isSilent = [byTicksMs, byClockMs].every(
        (ms) => ms >= sessionTimeoutMs / 2,
      );
      const isInTime = [byTicksMs, byClockMs].some(
        (ms) => ms < maxStallMs - sessionTimeoutMs,
      );
      return isKept === (isSilent && isInTime);
    };
    expect(
      fc.check(
        fc.property(
          silences,
          silences,
          fc.integer({ min: 100, max: 60_000 }),
          fc.integer({ min: 100, max: 600_000 }),
          holds,
        ),
      ).failed,
    ).toBe(false);
  });

  it('does not take a pause of the guardian for silence: its own ticks stop', () => {
    expect(isStalled(tickMsOf(T, 0), 1.5 * T, limits)).toBe(false);
  });

  it('takes ticks that come in a burst for no silence: its own clock tells', () => {
    expect(isStalled(1.5 * T, 3, limits)).toBe(false);
  });

  it('looks few times until half the timeout is over, which it does not miss', () => {
    const looks = Math.ceil(T / 2 / tickMsOf(T, 0));
    expect(looks).toBeLessThanOrEqual(4);
    expect(looks * tickMsOf(T, 0)).toBeLessThan(0.53 * T);
    expect(tickMsOf(T, T / 2)).toBeLessThan(T / 20);
  });
});

describe('the judgement of the end of a channel', () => {
  it.each([
    ['a dead application', 'gone', 0, 'close'],
    ['a living application', 'alive', 0, 'wait'],
    [
      'a living application that has let go for half the timeout',
      'alive',
      T / 2,
      'leave',
    ],
    [
      'an application that cannot be looked at, within the grace',
      'unknown',
      GRACE_MS - 1,
      'wait',
    ],
    ['the same, beyond the grace', 'unknown', GRACE_MS, 'close'],
  ] as const)('of %s', (_name, application, endedForMs, verdict) => {
    expect(judgeEnd(application, endedForMs, T)).toBe(verdict);
  });

  const durations = fc.double({ min: 0, max: 1e6, noNaN: true });
  const timeouts = fc.integer({ min: 100, max: 60_000 });

  it('never closes the session of an application that is seen to live', () => {
    const holds = (endedForMs: number, timeoutMs: number): boolean =>
      judgeEnd('alive', endedForMs, timeoutMs) !== 'close';
    expect(fc.check(fc.property(durations, timeouts, holds)).failed).toBe(
      false,
    );
  });

  it('closes the session of a dead application whatever else is the case', () => {
    const holds = (endedForMs: number, timeoutMs: number): boolean =>
      judgeEnd('gone', endedForMs, timeoutMs) === 'close';
    expect(fc.check(fc.property(durations, timeouts, holds)).failed).toBe(
      false,
    );
  });

  it('leaves the application time to stop leading before a grace ends', () => {
    expect(SELF_FENCE_MS).toBeLessThanOrEqual(GRACE_MS / 2);
  });
});
