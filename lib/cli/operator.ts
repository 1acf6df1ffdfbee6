import { hostname, userInfo } from 'node:os';
import type { AuditedAction } from '../operations/audit-log.js';
import { audited } from '../operations/audited.js';
import type { CliSession } from './cli-session.js';

/** Who sits at this command line, as history and audit call them. */
export function operator(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A container may run as a user without a name.
    return `uid ${process.getuid?.() ?? 'unknown'}@${hostname()}`;
  }
}

/** {@link audited} for the person at this command line. */
export function auditedHere<Result>(
  session: CliSession,
  action: AuditedAction,
  target: string,
  work: () => Promise<{ outcome: string; result: Result }>,
): Promise<Result> {
  const from = `the command line on ${hostname()}`;
  return audited(session, { action, target, by: operator(), from }, work, {
    warn: (text) => session.output.error(text),
  });
}
