import type { attach } from '../zookeeper/handshake/attach.js';
import type { GuardedSession } from '../zookeeper/session-guardian.interface.js';
import { nowMs } from './now-ms.js';
import { serverForAttempt } from './server-for-attempt.js';

const PAUSE_MS = 10;
const LONGEST_ATTEMPT_MS = 500;

/**
 * Closes the session of a dead application: asks one server after the other, for
 * one session timeout. Calls `onOver` once, with whether the session is closed.
 */
export function closeSession(
  session: GuardedSession,
  attachTo: typeof attach,
  onOver: (isClosed: boolean) => void,
): void {
  const { sessionId, password, sessionTimeoutMs, security } = session;
  const attemptMs = Math.min(LONGEST_ATTEMPT_MS, sessionTimeoutMs / 8);
  const giveUpAtMs = nowMs() + sessionTimeoutMs;
  const tryNext = (attempts: number): void => {
    const retry = (): void => {
      attachment.drop();
      if (nowMs() < giveUpAtMs) {
        tryNext(attempts + 1);
      } else {
        onOver(false);
      }
    };
    // A server that does not answer is left for the next one.
    let timer = setTimeout(retry, attemptMs);
    const closed = (): void => {
      clearTimeout(timer);
      attachment.drop();
      onOver(true);
    };
    const attachment = attachTo(
      {
        server: serverForAttempt(session, attempts),
        session: { id: sessionId, password },
        sessionTimeoutMs,
        security,
        purpose: 'close',
      },
      {
        onDone: closed,
        onAnswer: () => undefined,
        onEnd: (reason) => {
          if (reason === 'expired') {
            closed();
          } else {
            clearTimeout(timer);
            timer = setTimeout(retry, PAUSE_MS);
          }
        },
      },
    );
  };
  tryNext(0);
}
