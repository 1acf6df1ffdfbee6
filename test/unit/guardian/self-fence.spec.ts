import {
  afterEach,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import {
  SELF_FENCE_MS,
  SelfFence,
} from '../../../lib/guardian/application/self-fence.js';

describe('the fence of an application whose guardian cannot see its process', () => {
  let expired: number;
  let fence: SelfFence;

  beforeEach(() => {
    jest.useFakeTimers();
    expired = 0;
    fence = new SelfFence(() => {
      expired += 1;
    });
    fence.arm(performance.now());
  });

  afterEach(() => {
    fence.disarm();
    jest.useRealTimers();
  });

  it('trusts the session as long as the connection is open', () => {
    jest.advanceTimersByTime(10 * SELF_FENCE_MS);
    expect(fence.isTrusted()).toBe(true);
    expect(expired).toBe(0);
  });

  it('trusts the session again after a connection that was soon made again', () => {
    fence.connectionEnded();
    jest.advanceTimersByTime(SELF_FENCE_MS / 2);
    fence.arm(performance.now());
    jest.advanceTimersByTime(10 * SELF_FENCE_MS);
    expect(fence.isTrusted()).toBe(true);
    expect(expired).toBe(0);
  });

  it('does not trust the session any more when the connection is made again late', () => {
    fence.connectionEnded();
    jest.advanceTimersByTime(2 * SELF_FENCE_MS);
    fence.arm(performance.now());
    jest.advanceTimersByTime(SELF_FENCE_MS);
    expect(fence.isTrusted()).toBe(false);
    expect(expired).toBe(1);
  });

  it('gives up the session of a process that was paused, even if the connection is made again at once', () => {
    // Its clock goes on, its timers do not.
    const now = performance.now() + 2 * SELF_FENCE_MS;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    fence.connectionEnded();
    fence.arm(now);
    expect(fence.isTrusted()).toBe(false);
    jest.advanceTimersByTime(SELF_FENCE_MS);
    expect(expired).toBe(1);
    jest.restoreAllMocks();
  });

  it('trusts the next session', () => {
    fence.connectionEnded();
    jest.advanceTimersByTime(2 * SELF_FENCE_MS);
    fence.disarm();
    fence.arm(performance.now());
    expect(fence.isTrusted()).toBe(true);
  });
});
