import { hostname, userInfo } from 'node:os';
import { recordAction, type AuditedAction } from '../operations/audit-log.js';
import { messageOf } from '../message-of.js';
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

/**
 * Does something to the cluster, and records who did it and how it ended. If the
 * record cannot be written, it says so; the action is not undone.
 */
export async function audited<Result>(
  session: CliSession,
  action: AuditedAction,
  target: string,
  work: () => Promise<{ outcome: string; result: Result }>,
): Promise<Result> {
  const record = async (outcome: string): Promise<void> => {
    const by = operator();
    const from = `the command line on ${hostname()}`;
    const at = new Date();
    try {
      await recordAction(session, { at, action, target, by, from, outcome });
    } catch (error) {
      session.output.error(
        `What you have done could not be written to ${session.paths.audit}: ${messageOf(error)}`,
      );
    }
  };
  try {
    const { outcome, result } = await work();
    await record(outcome);
    return result;
  } catch (error) {
    await record(`Failed: ${messageOf(error)}`);
    throw error;
  }
}
