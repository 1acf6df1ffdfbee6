/** A session is over when nobody has heard of it for so many timeouts. */
export const SESSION_TIMEOUTS_TO_EXPIRY = 4 / 3;

/** Tests and impatient users have sessions of 100 ms. */
const SHORTEST_TICK_MS = 5;
const TICKS_PER_SESSION_TIMEOUT = 24;

const LEAST_CONNECT_TIMEOUT_MS = 100;
const LONGEST_CONNECT_TIMEOUT_MS = 10_000;

const SHORT_PAUSE_MS = { least: 50, most: 200 };
const LONG_PAUSE_MS = { least: 500, most: 1_000 };
const SESSION_TIMEOUTS_OF_SHORT_PAUSES = 2;

/** All that a session does in time, derived from its timeout. */
export interface SessionTiming {
  /** The unit of all other values: ticks stop while this process is blocked. */
  readonly tickMs: number;
  /** A ping is sent when nothing has been for so many ticks: a sixth. */
  readonly ticksToPing: number;
  /**
   * The same while heartbeats are written, every sixth, and answered in time: a tick
   * more, for a heartbeat that does not come.
   */
  readonly ticksToMissHeartbeat: number;
  /**
   * The server is given up when it has said nothing for so many ticks: a half,
   * which leaves time to move to another one.
   */
  readonly ticksOfSilence: number;
  /** A request that waits longer fails: once the session timeout. */
  readonly ticksToAnswer: number;
  /** A server that has not answered a request for so long answers none: twice. */
  readonly ticksToGiveUp: number;
  /** The event loop was blocked if there was no tick for so long: a quarter. */
  readonly stallMs: number;
  /**
   * After a stall of so long a connection is not used any more: a half. A server
   * that follows may answer a write, although the leading one, to which it reports its
   * sessions now and then, is about to expire the session. A new connection is
   * granted by the leading server itself, which counts from then on.
   */
  readonly longStallMs: number;
}

export function timingOf(sessionTimeoutMs: number): SessionTiming {
  const tickMs = Math.max(
    SHORTEST_TICK_MS,
    sessionTimeoutMs / TICKS_PER_SESSION_TIMEOUT,
  );
  const ticks = (sessionTimeouts: number): number =>
    Math.max(1, Math.floor((sessionTimeouts * sessionTimeoutMs) / tickMs));
  return {
    tickMs,
    ticksToPing: ticks(1 / 6),
    ticksToMissHeartbeat: Math.ceil(sessionTimeoutMs / 6 / tickMs - 0.01) + 1,
    ticksOfSilence: ticks(1 / 2),
    ticksToAnswer: ticks(1),
    ticksToGiveUp: ticks(2),
    stallMs: tickMs + sessionTimeoutMs / 4,
    longStallMs: sessionTimeoutMs / 2,
  };
}

/**
 * How long one server is given to accept a connection and to grant the session:
 * all of them can be tried while the session lives. Longer with each round in
 * which none has answered, because slow is better than never.
 */
export function connectTimeoutMs(
  sessionTimeoutMs: number,
  servers: number,
  failedRounds: number,
  random = Math.random(),
): number {
  const share = sessionTimeoutMs / Math.max(5, 2 * servers);
  const jitter = 0.9 + random / 5;
  return Math.min(
    LONGEST_CONNECT_TIMEOUT_MS,
    Math.max(LEAST_CONNECT_TIMEOUT_MS, share) * (1 + failedRounds) * jitter,
  );
}

/**
 * How long to wait after a round in which no server answered. Short as long as
 * a session may be kept; spread, because all instances come back at once.
 */
export function retryPauseMs(
  outageMs: number,
  sessionTimeoutMs: number,
  random = Math.random(),
): number {
  const isShort =
    outageMs < SESSION_TIMEOUTS_OF_SHORT_PAUSES * sessionTimeoutMs;
  const { least, most } = isShort ? SHORT_PAUSE_MS : LONG_PAUSE_MS;
  return least + random * (most - least);
}
