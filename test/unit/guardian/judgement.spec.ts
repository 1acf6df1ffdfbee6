import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  GRACE_MS,
  judge,
  SELF_FENCE_MS,
  silenceOf,
  tickMsOf,
  type Situation,
  type Verdict,
} from '../../../lib/guardian/judgement.js';

const T = 10_000;

function verdictOf(situation: Partial<Situation>): Verdict {
  return judge({
    sessionTimeoutMs: T,
    maxStallMs: 3 * T,
    silentForMs: 0,
    endedForMs: undefined,
    application: 'alive',
    ...situation,
  });
}

describe('the judgement of a guardian', () => {
  it.each<[string, Partial<Situation>, Verdict]>([
    ['an application that is heard', {}, 'wait'],
    ['a silence below half the timeout', { silentForMs: T / 2 - 1 }, 'wait'],
    ['a silence of half the timeout', { silentForMs: T / 2 }, 'keep'],
    ['a silence of one timeout', { silentForMs: T }, 'keep'],
    [
      'a stall that leaves one timeout of maxStallMs',
      { silentForMs: 2 * T },
      'wait',
    ],
    ['a stall far beyond maxStallMs', { silentForMs: 9 * T }, 'wait'],
    [
      'a stall, where the server ends the session by maxStallMs anyway',
      { silentForMs: T / 2, maxStallMs: T },
      'wait',
    ],
    [
      'the end of the channel of a dead application',
      { endedForMs: 0, application: 'gone' },
      'close',
    ],
    [
      'the end of the channel of a dead application that was stalled',
      { endedForMs: 0, application: 'gone', silentForMs: T },
      'close',
    ],
    [
      'the end of the channel of a living application',
      { endedForMs: 0 },
      'wait',
    ],
    [
      'a living application that has let go for half the timeout',
      { endedForMs: T / 2 },
      'leave',
    ],
    [
      'an end within the grace where it cannot look',
      { endedForMs: GRACE_MS - 1, application: 'unknown' },
      'wait',
    ],
    [
      'an end beyond the grace where it cannot look',
      { endedForMs: GRACE_MS, application: 'unknown' },
      'close',
    ],
  ])('of %s', (_name, situation, verdict) => {
    expect(verdictOf(situation)).toBe(verdict);
  });

  const situations: fc.Arbitrary<Situation> = fc.record({
    sessionTimeoutMs: fc.integer({ min: 100, max: 60_000 }),
    maxStallMs: fc.integer({ min: 100, max: 600_000 }),
    silentForMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
    endedForMs: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), {
      nil: undefined,
    }),
    application: fc.constantFrom('alive', 'gone', 'unknown'),
  });

  const expectAlways = (holds: (situation: Situation) => boolean): void =>
    expect(fc.check(fc.property(situations, holds))).toMatchObject({
      failed: false,
    });

  it('never closes the session of an application that is seen to live, or whose channel is open', () => {
    expectAlways(
      (situation) =>
        judge(situation) !== 'close' ||
        (situation.endedForMs !== undefined &&
          situation.application !== 'alive'),
    );
  });

  it('keeps a session only in a long silence on an open channel, that leaves more than one timeout of maxStallMs', () => {
    expectAlways((situation) => {
      const { endedForMs, silentForMs, sessionTimeoutMs, maxStallMs } =
        situation;
      const isStalled =
        endedForMs === undefined &&
        silentForMs >= sessionTimeoutMs / 2 &&
        silentForMs < maxStallMs - sessionTimeoutMs;
      return (judge(situation) === 'keep') === isStalled;
    });
  });

  it('closes the session of a dead application whatever else is the case', () => {
    expectAlways(
      (situation) =>
        judge({ ...situation, endedForMs: 0, application: 'gone' }) === 'close',
    );
  });

  it('does not take a pause of the guardian for silence: its own ticks stop', () => {
    expect(silenceOf(1, tickMsOf(T), 5 * T)).toBe(tickMsOf(T));
  });

  it('takes ticks that come in a burst for no silence: its own clock tells', () => {
    expect(silenceOf(1000, tickMsOf(T), 3)).toBe(3);
  });

  it('leaves the application time to stop leading before a grace ends', () => {
    expect(SELF_FENCE_MS).toBeLessThanOrEqual(GRACE_MS / 2);
  });
});
