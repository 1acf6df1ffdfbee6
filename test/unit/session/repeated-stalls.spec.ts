import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { Subject } from 'rxjs';
import { RepeatedStalls } from '../../../lib/session/repeated-stalls.js';
import type { SessionLease } from '../../../lib/session/session-lease.js';
import type {
  Connection,
  ZookeeperClient,
} from '../../../lib/zookeeper/zookeeper-client.interface.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** A process with a session of 4 s, hence a look every second. */
function watched() {
  const clock = { monotonic: 1_000, wall: 1_700_000_000_000 };
  const connection$ = new Subject<Connection>();
  const replaceSession = jest.fn((_why: string) => Promise.resolve());
  const lease = { sessionTimeoutMs: 4_000, isValid: () => false };
  new RepeatedStalls({
    client: { connection$, replaceSession } as unknown as ZookeeperClient,
    lease: lease as unknown as SessionLease,
    clock: {
      monotonicNs: () => BigInt(Math.round(clock.monotonic * 1e6)),
      wallMs: () => clock.wall,
    },
    maxStallMs: 10_000,
  }).watch();
  const pass = async (ms: number): Promise<void> => {
    clock.monotonic += ms;
    clock.wall += ms;
    await jest.advanceTimersByTimeAsync(1_000);
  };
  return { clock, connection$, replaceSession, lease, pass };
}

it('stalls of maxStallMs in all, without a lease in between, cost the session once', async () => {
  const { replaceSession, pass } = watched();
  for (let stall = 0; stall < 3; stall += 1) {
    await pass(3_500);
  }
  expect(replaceSession).not.toHaveBeenCalled();
  await pass(3_500);
  expect(replaceSession).toHaveBeenCalledTimes(1);
  expect(replaceSession.mock.calls[0]?.[0]).toMatch(
    /blocked or paused again and again, for 11 s in all, .*maxStallMs: 10000/,
  );
  await pass(3_500);
  expect(replaceSession).toHaveBeenCalledTimes(1);
});

it('a lease in between, or time to get one, is a new beginning', async () => {
  const { replaceSession, lease, pass } = watched();
  for (let round = 0; round < 3; round += 1) {
    await pass(6_000);
    await pass(3_900);
    await pass(1_000); // awake
    await pass(6_000);
    await pass(3_900);
    lease.isValid = () => true;
    await pass(6_000);
    lease.isValid = () => false;
  }
  expect(replaceSession).not.toHaveBeenCalled();
});

it('a single stall costs nothing here, however long', async () => {
  const { replaceSession, clock, pass } = watched();
  await pass(100_000);
  await pass(1_000);
  // The machine was suspended, or its clock set.
  clock.wall += 3_600_000;
  await pass(1_000);
  await pass(1_000);
  expect(replaceSession).not.toHaveBeenCalled();
});

it('ends with the client', async () => {
  const { connection$, pass } = watched();
  connection$.complete();
  expect(jest.getTimerCount()).toBe(0);
  await pass(1_000);
  expect(jest.getTimerCount()).toBe(0);
});
