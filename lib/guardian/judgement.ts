/** What a guardian knows at the moment at which it decides. */
export interface Situation {
  readonly sessionTimeoutMs: number;
  readonly maxStallMs: number;
  /** Since the last sign of life, by {@link silenceOf}. */
  readonly silentForMs: number;
  /** Undefined while the channel to the application is open. */
  readonly endedForMs: number | undefined;
  /** `unknown`: the application's process cannot be looked at from here. */
  readonly application: 'alive' | 'gone' | 'unknown';
}

/**
 * - `wait`: have no connection; look again.
 * - `keep`: the application is stalled; keep its session alive.
 * - `close`: the application is dead; close its session, then exit.
 * - `leave`: the application lives and wants this guardian no more; close nothing.
 */
export type Verdict = 'wait' | 'keep' | 'close' | 'leave';

/**
 * Signs of life, and ticks of the guardian, per session timeout. A sign puts off the
 * next tick, and comes before it: a guardian that hears its application has none.
 */
const SIGNS_PER_TIMEOUT = 24;
const TICKS_PER_TIMEOUT = 22;
const SHORTEST_SIGN_MS = 20;
const SHORTEST_TICK_MS = 22;

/** The end of a process shows up to 20 ms after the end of its channel. */
const SHORTEST_RECHECK_MS = 50;

/**
 * For how long an application whose process cannot be looked at may come back
 * after its channel has ended. The application stops leading after half of it
 * ({@link SELF_FENCE_MS}).
 */
export const GRACE_MS = 500;
export const SELF_FENCE_MS = 250;

/** Milliseconds between two signs of life. */
export function signMsOf(sessionTimeoutMs: number): number {
  return Math.max(SHORTEST_SIGN_MS, sessionTimeoutMs / SIGNS_PER_TIMEOUT);
}

/** Milliseconds between two judgements of a silence. */
export function tickMsOf(sessionTimeoutMs: number): number {
  return Math.max(SHORTEST_TICK_MS, sessionTimeoutMs / TICKS_PER_TIMEOUT);
}

/**
 * For how long the application has been silent. Ticks alone may come early, a
 * clock alone counts the time in which this process was paused itself: the
 * smaller one blames nobody for a pause of both.
 */
export function silenceOf(
  ticks: number,
  tickMs: number,
  elapsedMs: number,
): number {
  return Math.min(ticks * tickMs, elapsedMs);
}

/**
 * Decides what a guardian does. Only a dead application has its session closed:
 * servers close a session for anybody who asks, also over a connection that the
 * session has left, and they may do so late.
 */
export function judge(situation: Situation): Verdict {
  const { endedForMs } = situation;
  return endedForMs === undefined
    ? judgeSilence(situation)
    : judgeEnd(situation, endedForMs);
}

/** For how long a process is looked at after the end of its channel. */
export function recheckMsOf(sessionTimeoutMs: number): number {
  return Math.max(SHORTEST_RECHECK_MS, sessionTimeoutMs / 2);
}

function judgeEnd(
  { application, sessionTimeoutMs }: Situation,
  endedForMs: number,
): Verdict {
  if (application === 'gone') {
    return 'close';
  }
  if (application === 'unknown') {
    return endedForMs >= GRACE_MS ? 'close' : 'wait';
  }
  return endedForMs >= recheckMsOf(sessionTimeoutMs) ? 'leave' : 'wait';
}

function judgeSilence({
  sessionTimeoutMs,
  maxStallMs,
  silentForMs,
}: Situation): Verdict {
  // The server ends the session one timeout after the last ping.
  const isTooLong = silentForMs >= maxStallMs - sessionTimeoutMs;
  return silentForMs >= sessionTimeoutMs / 2 && !isTooLong ? 'keep' : 'wait';
}
