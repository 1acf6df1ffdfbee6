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
  /** Whether the guardian has, or tries to get, a connection of its own. */
  readonly isAttached: boolean;
}

/**
 * - `wait`: nothing is to be done now.
 * - `attach`: the application is stalled; keep its session alive.
 * - `drop`: the application is back; give up the connection.
 * - `hang-up`: the stall is too long; give up the connection, keep the session
 *   alive no more.
 * - `close`: the application is dead; close its session, then exit.
 * - `exit`: the application lives and wants this guardian no more; close nothing.
 */
export type Verdict = 'wait' | 'attach' | 'drop' | 'hang-up' | 'close' | 'exit';

/** Signs of life, and looks of the guardian, per session timeout. */
const TICKS_PER_TIMEOUT = 24;
const SHORTEST_TICK_MS = 20;

/** The end of a process shows up to 20 ms after the end of its channel. */
const SHORTEST_RECHECK_MS = 50;

/**
 * For how long an application whose process cannot be looked at may come back
 * after its channel has ended. The application stops leading after half of it
 * ({@link SELF_FENCE_MS}).
 */
export const GRACE_MS = 500;
export const SELF_FENCE_MS = 250;

/** Milliseconds between two signs of life, and between two judgements. */
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
  return application === 'unknown'
    ? endedForMs >= GRACE_MS
      ? 'close'
      : 'wait'
    : endedForMs >= recheckMsOf(sessionTimeoutMs)
      ? 'exit'
      : 'wait';
}

function judgeSilence({
  sessionTimeoutMs,
  maxStallMs,
  silentForMs,
  isAttached,
}: Situation): Verdict {
  if (silentForMs < sessionTimeoutMs / 2) {
    return isAttached ? 'drop' : 'wait';
  }
  // The server ends the session one timeout after the last ping.
  if (silentForMs >= maxStallMs - sessionTimeoutMs) {
    return isAttached ? 'hang-up' : 'wait';
  }
  return isAttached ? 'wait' : 'attach';
}
