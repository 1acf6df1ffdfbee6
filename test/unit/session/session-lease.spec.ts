import { describe, expect, it, jest } from '@jest/globals';
import { BehaviorSubject } from 'rxjs';
import {
  SessionLease,
  type Heartbeat,
} from '../../../lib/session/session-lease.js';
import type {
  Connection,
  ZookeeperClient,
} from '../../../lib/zookeeper/zookeeper-client.interface.js';
import { isConnectionError } from '../../../lib/zookeeper/zookeeper.error.js';

/** A lease on a session of 6 s, hence of 4 s, with clocks that only the test moves. */
function leaseOf({
  requestedMs = 6_000,
  acknowledged = true,
  isTrusted = (): boolean => true,
  unheardMs = (): number => 0,
} = {}) {
  let heartbeats = 0;
  const clock = { monotonic: 1_000, wall: 1_700_000_000_000 };
  const connection$ = new BehaviorSubject<Connection>({
    state: 'connected',
    epoch: 1,
    sessionId: 'a',
    sessionTimeoutMs: 6_000,
  });
  const expectHeartbeats = jest.fn();
  const lease = new SessionLease({
    client: {
      connection$,
      connection: connection$.value,
      expectHeartbeats,
      unheardMs,
    } as unknown as ZookeeperClient,
    clock: {
      monotonicNs: () => BigInt(Math.round(clock.monotonic * 1e6)),
      wallMs: () => clock.wall,
    },
    requestedSessionTimeoutMs: requestedMs,
    maxStallMs: 30_000,
    isTrusted,
    writeHeartbeat: () => {
      heartbeats += 1;
      return acknowledged ? Promise.resolve() : new Promise(() => undefined);
    },
  });
  const pass = (ms: number): void => {
    clock.monotonic += ms;
    clock.wall += ms;
  };
  return {
    lease,
    clock,
    pass,
    connection$,
    expectHeartbeats,
    heartbeats: () => heartbeats,
  };
}

describe('a lease', () => {
  it('ends with the session, where a server is lost that alone has heard of us after a pause', async () => {
    let unheardMs = 0;
    const { lease, pass } = leaseOf({ unheardMs: () => unheardMs });
    const heartbeats: Heartbeat[] = [];
    lease.heartbeats$.subscribe((heartbeat) => heartbeats.push(heartbeat));
    unheardMs = 2_000;
    await lease.renew();
    expect(lease.remainingMs()).toBe(4_000);
    pass(3_500);
    unheardMs = 3_500;
    await lease.renew();
    // As far as the leading server knows, the session ends then.
    expect(lease.remainingMs()).toBe(2_500);
    pass(500);
    unheardMs = 4_000;
    await lease.renew();
    expect(lease.remainingMs()).toBe(2_000);
    pass(500);
    unheardMs = 1_000;
    await lease.renew();
    expect(lease.remainingMs()).toBe(4_000);
    expect(heartbeats.every(({ durationMs }) => durationMs === 0)).toBe(true);
  });

  it('announces its heartbeats with the first one, until nobody holds it', async () => {
    const { lease, expectHeartbeats } = leaseOf();
    const holder = {
      leaseLapsed: () => undefined,
      leaseGranted: () => undefined,
    };
    lease.extend(lease.now(), 'a');
    lease.hold(holder);
    expect(expectHeartbeats).not.toHaveBeenCalledWith(true);
    await lease.renew();
    expect(expectHeartbeats).toHaveBeenLastCalledWith(true);
    lease.release(holder);
    expect(expectHeartbeats).toHaveBeenLastCalledWith(false);
  });

  it.each([
    ['a connection that was cut for a moment', 100],
    ['a stall that leaves some of it', 3_500],
    ['a stall that has outlived it', 20_000],
  ])(
    'sends a heartbeat at once when it is connected again after %s',
    (_what, ms) => {
      const { lease, pass, connection$, heartbeats } = leaseOf({
        acknowledged: false,
      });
      const holder = {
        leaseLapsed: () => undefined,
        leaseGranted: () => undefined,
      };
      lease.extend(lease.now(), 'a');
      lease.hold(holder);
      // One that was written before, and will never be answered.
      void lease.renew();
      const before = heartbeats();
      pass(ms);
      connection$.next({
        state: 'connected',
        epoch: 2,
        sessionId: 'a',
        sessionTimeoutMs: 6_000,
      });
      expect(heartbeats()).toBe(before + 1);
      lease.release(holder);
    },
  );

  it('reports every heartbeat, and when the last acknowledged one was sent', async () => {
    const { lease, clock, pass } = leaseOf();
    const heartbeats: Heartbeat[] = [];
    lease.heartbeats$.subscribe((heartbeat) => heartbeats.push(heartbeat));
    expect(lease.lastContact).toBeUndefined();

    const sentAt = new Date(clock.wall);
    const renewed = lease.renew();
    pass(250);
    await renewed;
    expect(heartbeats).toEqual([{ isAcknowledged: true, durationMs: 250 }]);
    expect(lease.lastContact).toEqual(sentAt);
  });

  it('is refused for now, and not for good, when its heartbeat is answered too late', async () => {
    const { lease, pass } = leaseOf();
    lease.extend(lease.now(), 'a');
    await lease.prove();
    pass(5_000);
    const proved = lease.prove();
    pass(4_000);
    const failure: unknown = await proved.catch((error: unknown) => error);
    expect(isConnectionError(failure)).toBe(true);
    expect(failure).toMatchObject({ code: 'TIMEOUT' });
  });

  it('does not hold before a write was acknowledged', () => {
    expect(leaseOf().lease.isValid()).toBe(false);
  });

  it('runs for two thirds of the session timeout from the sending, however slow the reply', () => {
    const { lease, pass } = leaseOf();
    const sentAt = lease.now();
    pass(3_000);
    lease.extend(sentAt, 'a');
    expect(lease.isValid()).toBe(true);
    pass(999);
    expect(lease.isValid()).toBe(true);
    pass(1);
    expect(lease.isValid()).toBe(false);
  });

  it('is not shortened by the acknowledgement of an older write', () => {
    const { lease, pass } = leaseOf();
    const older = lease.now();
    pass(1_000);
    lease.extend(lease.now(), 'a');
    lease.extend(older, 'a');
    expect(lease.remainingMs()).toBe(4_000);
  });

  it('runs for half of a session timeout that the server has raised', () => {
    const { lease, pass } = leaseOf({ requestedMs: 1_000 });
    lease.extend(lease.now(), 'a');
    pass(2_999);
    expect(lease.isValid()).toBe(true);
    pass(1);
    expect(lease.isValid()).toBe(false);
  });

  it('is not lengthened by a wall clock that is set back, nor ended', () => {
    const { lease, clock, pass } = leaseOf();
    lease.extend(lease.now(), 'a');
    clock.wall -= 3_600_000;
    expect(lease.isValid()).toBe(true);
    pass(4_000);
    expect(lease.isValid()).toBe(false);
  });

  it('ends while the machine sleeps, where the monotonic clock does not count', () => {
    const { lease, clock } = leaseOf();
    lease.extend(lease.now(), 'a');
    clock.wall += 4_000;
    expect(lease.isValid()).toBe(false);
  });

  it('does not go over to another session', () => {
    const { lease, connection$ } = leaseOf();
    lease.extend(lease.now(), 'a');
    connection$.next({ state: 'lost', epoch: 1 });
    expect(lease.isValid()).toBe(false);
    connection$.next({
      state: 'connected',
      epoch: 2,
      sessionId: 'b',
      sessionTimeoutMs: 6_000,
    });
    lease.extend(lease.now(), 'a');
    expect(lease.isValid()).toBe(false);
    lease.extend(lease.now(), 'b');
    expect(lease.isValid()).toBe(true);
  });

  it('that ends is told, also when a connection comes before its timer', async () => {
    jest.useFakeTimers();
    try {
      const { lease, pass, connection$ } = leaseOf({ acknowledged: false });
      let lapses = 0;
      lease.hold({
        leaseLapsed: () => {
          lapses += 1;
        },
        leaseGranted: () => undefined,
      });
      lease.extend(lease.now(), 'a');
      pass(4_001);
      // The same session again, after a stall that kept the timer from firing.
      connection$.next({
        state: 'connected',
        epoch: 2,
        sessionId: 'a',
        sessionTimeoutMs: 6_000,
      });
      await jest.advanceTimersByTimeAsync(4_001 + 1_000);
      expect(lapses).toBe(1);
    } finally {
      jest.useRealTimers();
    }
  });

  it('that ends is told, also when an acknowledgement comes too late', async () => {
    jest.useFakeTimers();
    try {
      const { lease, pass } = leaseOf({ acknowledged: false });
      let lapses = 0;
      lease.hold({
        leaseLapsed: () => {
          lapses += 1;
        },
        leaseGranted: () => undefined,
      });
      lease.extend(lease.now(), 'a');
      pass(1);
      const sentAt = lease.now();
      pass(4_004);
      // It arrives before the timer that is due has fired.
      lease.extend(sentAt, 'a');
      await jest.advanceTimersByTimeAsync(4_005 + 500);
      expect(lapses).toBe(1);
    } finally {
      jest.useRealTimers();
    }
  });

  it('that ends is told again, if it came back by trust alone', async () => {
    jest.useFakeTimers();
    try {
      let isTrusted = true;
      const { lease, pass } = leaseOf({
        acknowledged: false,
        isTrusted: () => isTrusted,
      });
      let lapses = 0;
      const holder = {
        leaseLapsed: () => {
          lapses += 1;
        },
        leaseGranted: () => undefined,
      };
      lease.hold(holder);
      lease.extend(lease.now(), 'a');
      // Acknowledged while nobody could say whether the session was there.
      isTrusted = false;
      pass(4_000);
      lease.extend(lease.now(), 'a');
      await jest.advanceTimersByTimeAsync(4_000 + 1_000);
      expect(lapses).toBe(1);
      isTrusted = true;
      expect(lease.isValid()).toBe(true);
      lease.hold(holder);
      pass(4_000);
      await jest.advanceTimersByTimeAsync(4_000 + 1_000);
      expect(lapses).toBe(2);
    } finally {
      jest.useRealTimers();
    }
  });
});
