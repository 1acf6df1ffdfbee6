import type { Life } from './process-identity.js';

/**
 * The guardian's looks at a silence: few while there is nothing to do, and four of
 * them are a little more than half a timeout.
 */
const LOOKS_PER_TIMEOUT = 7.8;
export const TICKS_PER_TIMEOUT = 22;

/**
 * For how long an application whose process cannot be looked at may come back
 * after its channel has ended. The application stops leading after half of it.
 */
export const GRACE_MS = 500;

export interface StallLimits {
  readonly sessionTimeoutMs: number;
  readonly maxStallMs: number;
}

/** Milliseconds until the next look at a silence that lasts for so long. */
export function tickMsOf(sessionTimeoutMs: number, silentMs: number): number {
  const ticks =
    silentMs < sessionTimeoutMs / 2 ? LOOKS_PER_TIMEOUT : TICKS_PER_TIMEOUT;
  return sessionTimeoutMs / ticks;
}

/**
 * Whether the application is stalled, and its session is to be kept. Its silence by
 * ticks of this process may come early, that by the clock counts pauses of this
 * process, too: the smaller one blames nobody for a pause of both.
 */
export function isStalled(
  silentByTicksMs: number,
  silentByClockMs: number,
  { sessionTimeoutMs, maxStallMs }: StallLimits,
): boolean {
  const silentMs = Math.min(silentByTicksMs, silentByClockMs);
  // The server ends the session one timeout after the last ping.
  const isTooLong = silentMs >= maxStallMs - sessionTimeoutMs;
  return silentMs >= sessionTimeoutMs / 2 && !isTooLong;
}

/**
 * What becomes of the session when the channel to the application has ended. Only a
 * dead application has its session closed: servers close a session for anybody who
 * asks, also over a connection that the session has left, and they may do so late.
 * The end of a process shows up to 20 ms after the end of its channel.
 *
 * - `close`: the application is dead.
 * - `leave`: it lives and wants this guardian no more; close nothing.
 * - `wait`: look again.
 */
export function judgeEnd(
  application: Life,
  endedForMs: number,
  sessionTimeoutMs: number,
): 'close' | 'leave' | 'wait' {
  if (application === 'gone') {
    return 'close';
  }
  const isUnknown = application === 'unknown';
  if (endedForMs < (isUnknown ? GRACE_MS : sessionTimeoutMs / 2)) {
    return 'wait';
  }
  return isUnknown ? 'close' : 'leave';
}
