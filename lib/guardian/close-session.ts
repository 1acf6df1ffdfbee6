import type { attach } from './attach.js';
import type { GuardedSession } from '../zookeeper/session-guardian.interface.js';
import { nowMs } from './now-ms.js';
import { optionsForAttempt } from './server-for-attempt.js';

const PAUSE_MS = 10;
const LONGEST_ATTEMPT_MS = 500;

/**
 * Closes the session of a dead application: asks one server after the other, for
 * one session timeout. Calls `onOver` once; with an error if no server could be
 * asked.
 */
export function closeSession(
  session: GuardedSession,
  attachTo: typeof attach,
  onOver: (outcome: 'closed' | Error) => void,
): void {
  const { sessionTimeoutMs } = session;
  const attemptMs = Math.min(LONGEST_ATTEMPT_MS, sessionTimeoutMs / 8);
  const giveUpAtMs = nowMs() + sessionTimeoutMs;
  let failure = new Error('did not answer');
  const tryServer = (attempt: number): void => {
    const tryNext = (): void => {
      attachment.drop();
      if (nowMs() < giveUpAtMs) {
        tryServer(attempt + 1);
      } else {
        onOver(failure);
      }
    };
    // A server that does not answer is left for the next one.
    const timer = setTimeout(tryNext, attemptMs);
    const closed = (): void => {
      clearTimeout(timer);
      attachment.drop();
      onOver('closed');
    };
    const attachment = attachTo(optionsForAttempt(session, attempt, 'close'), {
      onDone: closed,
      onAnswer: () => undefined,
      onEnd: (reason) => {
        if (reason === 'expired') {
          closed();
        } else {
          failure = reason;
          clearTimeout(timer);
          setTimeout(tryNext, PAUSE_MS);
        }
      },
    });
  };
  tryServer(0);
}
