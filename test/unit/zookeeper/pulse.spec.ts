import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { Pulse } from '../../../lib/zookeeper/session/pulse.js';
import { timingOf } from '../../../lib/zookeeper/session/session-timing.js';

const SESSION_TIMEOUT_MS = 6_000;
const TIMING = timingOf(SESSION_TIMEOUT_MS);
const HOUR_MS = 3_600_000;

let clock: { monotonicMs: number; wallMs: number };
let stalls: number[];
let silences: number;
let pings: number;
let hasHeartbeats: boolean;
let pulse: Pulse;

beforeEach(() => {
  jest.useFakeTimers();
  clock = { monotonicMs: 1_000, wallMs: 1_700_000_000_000 };
  stalls = [];
  silences = 0;
  pings = 0;
  hasHeartbeats = false;
  pulse = new Pulse(
    TIMING,
    {
      onTick: () => undefined,
      onPing: () => {
        pings += 1;
        pulse.sent();
      },
      hasHeartbeats: () => hasHeartbeats,
      onSilence: () => {
        silences += 1;
      },
      onStall: (blockedMs) => stalls.push(blockedMs),
    },
    { monotonicNs: 1_000_000_000n, wallMs: clock.wallMs },
    {
      monotonicNs: () => BigInt(Math.round(clock.monotonicMs * 1e6)),
      wallMs: () => clock.wallMs,
    },
  );
});
afterEach(() => {
  pulse.stop();
  jest.useRealTimers();
});

/** Both clocks go on, and the ticks come in time. */
function pass(ticks: number): void {
  for (let tick = 0; tick < ticks; tick += 1) {
    clock.monotonicMs += TIMING.tickMs;
    clock.wallMs += TIMING.tickMs;
    jest.advanceTimersByTime(TIMING.tickMs);
    pulse.heard();
  }
}

it('sees no stall while its ticks come in time', () => {
  pass(100);
  expect(stalls).toEqual([]);
  expect(pulse.blockedMs).toBeUndefined();
});

it('sees the stall of a blocked event loop, before its next tick and with it', () => {
  pass(3);
  clock.monotonicMs += 2_000;
  clock.wallMs += 2_000;
  expect(pulse.blockedMs).toBe(2_000);
  jest.advanceTimersByTime(TIMING.tickMs);
  expect(stalls).toEqual([2_000]);
  expect(pulse.blockedMs).toBeUndefined();
});

it('sees that the machine was suspended, where the monotonic clock does not count', () => {
  pass(3);
  clock.wallMs += HOUR_MS;
  expect(pulse.blockedMs).toBe(HOUR_MS);
  pass(1);
  expect(stalls).toEqual([HOUR_MS + TIMING.tickMs]);
  // One stall, and the server is not blamed for it.
  pass(10);
  expect(stalls).toHaveLength(1);
  expect(silences).toBe(0);
});

it('does not care about a wall clock that is set back, and sees the next stall', () => {
  pass(3);
  clock.wallMs -= HOUR_MS;
  pass(10);
  expect(stalls).toEqual([]);
  clock.monotonicMs += 2_000;
  clock.wallMs += 2_000;
  expect(pulse.blockedMs).toBe(2_000);
});

it('does not care about a wall clock that is corrected by less than a stall', () => {
  pass(3);
  clock.wallMs += TIMING.stallMs - TIMING.tickMs - 1;
  pass(3);
  expect(stalls).toEqual([]);
});

it('pings at least every sixth of the session timeout', () => {
  pass(24);
  expect(pings).toBeGreaterThanOrEqual(6);
});

it('pings in place of a heartbeat that does not come, and at no other time', () => {
  hasHeartbeats = true;
  for (let heartbeat = 0; heartbeat < 10; heartbeat += 1) {
    pulse.sent();
    // The next one is written a sixth of the session timeout later.
    pass(4);
  }
  expect(pings).toBe(0);
  pass(1);
  expect(pings).toBe(1);
});

it('pings at once when heartbeats end and nothing has been sent for a while', () => {
  hasHeartbeats = true;
  pass(4);
  hasHeartbeats = false;
  pulse.pingIfDue();
  expect(pings).toBe(1);
  pulse.pingIfDue();
  expect(pings).toBe(1);
});

it('knows what the leading server has heard: what was sent before others report to it', () => {
  const reportMs = SESSION_TIMEOUT_MS / 8;
  const unheardMs: number[] = [];
  for (let tick = 0; tick < 96; tick += 1) {
    pass(1);
    unheardMs.push(pulse.unheardMs(reportMs));
  }
  // Pings alone: a sixth of the session timeout apart.
  expect(Math.max(...unheardMs)).toBeLessThan(SESSION_TIMEOUT_MS / 3);
  // A pause, and then as many requests as one likes: the pause still counts.
  const pauseMs = 2_700;
  clock.monotonicMs += pauseMs;
  clock.wallMs += pauseMs;
  for (let request = 0; request < 1_000; request += 1) {
    pulse.sent();
  }
  expect(pulse.unheardMs(reportMs)).toBeGreaterThanOrEqual(pauseMs);
  // The others have reported since.
  pass(4);
  expect(pulse.unheardMs(reportMs)).toBeLessThan(SESSION_TIMEOUT_MS / 3);
});

it('counts from the grant of the session, which the leading server gives itself', () => {
  clock.monotonicMs += 300;
  clock.wallMs += 300;
  pulse.sent();
  expect(pulse.unheardMs(SESSION_TIMEOUT_MS / 8)).toBe(300);
});
