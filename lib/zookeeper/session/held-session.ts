import { instantOf, systemClock, type Instant } from '../../clock.js';
import type { GrantedSession } from '../handshake/handshake.js';
import { SESSION_TIMEOUTS_TO_EXPIRY } from './session-timing.js';

/** A session, and what has become of it here. */
export interface HeldSession extends GrantedSession {
  /** When it was granted last, by the leading server itself. */
  readonly grantedAt: Instant;
  /** Grows with the answers. */
  lastZxidSeen: number;
  /** The guardian has it, or has had its time to take it. */
  isGuarded: boolean;
  /** It was announced as connected. */
  isAnnounced: boolean;
}

/** @param before the same session as it was in the connection before */
export function heldSession(
  granted: GrantedSession,
  before: HeldSession | undefined,
): HeldSession {
  const fresh = { lastZxidSeen: 0, isGuarded: false, isAnnounced: false };
  const grantedAt = instantOf(systemClock);
  return { ...fresh, ...before, ...granted, grantedAt };
}

/**
 * A server that has seen less than this session has is not for it. Once the
 * session must be over, this would only keep us from one that lost its data.
 */
export function lastZxidToSend(
  session: HeldSession | undefined,
  disconnectedMs: number,
): number {
  if (!session) {
    return 0;
  }
  const { sessionTimeoutMs } = session;
  if (disconnectedMs > sessionTimeoutMs * SESSION_TIMEOUTS_TO_EXPIRY) {
    session.lastZxidSeen = 0;
  }
  return session.lastZxidSeen;
}
