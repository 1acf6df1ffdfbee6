import { requestResignation } from '../operations/resign-request.js';
import { unlessMissing } from '../zookeeper/unless-missing.js';
import type { CliSession } from './cli-session.js';
import { CliError, EXIT, type ExitCode } from './exit-codes.js';
import { auditedHere, operator } from './operator.js';
import { printable } from './text.js';

/** `resign <election>`: asks the leader to make way, and waits until it has. */
export async function resign(
  session: CliSession,
  election: string,
): Promise<ExitCode> {
  const { client, paths, options, output } = session;
  const path = paths.election(election);
  if (!(await unlessMissing(client.getChildren(path)))) {
    throw new CliError(
      EXIT.notFound,
      `There is no election "${election}" below ${paths.base}. ` +
        'status lists those that there are.',
    );
  }
  const result = await auditedHere(session, 'hand-over', election, async () => {
    const asked = await requestResignation({
      client,
      path,
      requestedBy: `${operator()}, the command line`,
      timeoutMs: options.timeout * 1000,
    });
    const who = asked.former?.instanceId ?? 'nobody';
    return { outcome: `${who}: ${asked.outcome}`, result: asked };
  });
  const former = printable(result.former?.instanceId ?? '');
  if (options.json) {
    output.out(JSON.stringify({ election, ...result }, undefined, 2));
  }
  if (result.outcome === 'no-leader') {
    throw new CliError(
      EXIT.leaderless,
      `Nobody leads the election "${election}".`,
    );
  }
  if (result.outcome === 'timed-out') {
    throw new CliError(
      EXIT.timedOut,
      `${former} was asked to resign, and has not within ${options.timeout} s. ` +
        'It waits for its running tasks, and may still make way.',
    );
  }
  if (!options.json) {
    const next = result.next
      ? `${printable(result.next.instanceId)} leads, fencing token ${result.next.fencingToken}`
      : 'nobody leads yet';
    output.out(`${former} has resigned; ${next}.`);
  }
  return EXIT.done;
}
