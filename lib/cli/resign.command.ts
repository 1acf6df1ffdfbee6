import { hostname } from 'node:os';
import { requestResignation } from '../election/resign-request.js';
import { unlessMissing } from '../election/participants.js';
import type { CliSession } from './cli-session.js';
import { CliError, EXIT, type ExitCode } from './exit-codes.js';
import { printable } from './text.js';

/** `resign <election>`: asks the leader to make way, and waits until it has. */
export async function resign(
  { client, paths, options, output }: CliSession,
  election: string,
): Promise<ExitCode> {
  const path = paths.election(election);
  if (!(await unlessMissing(client.getChildren(path)))) {
    throw new CliError(
      EXIT.notFound,
      `There is no election "${election}" below ${paths.base}. ` +
        'status lists those that there are.',
    );
  }
  const result = await requestResignation({
    client,
    path,
    requestedBy: `command line on ${hostname()}`,
    timeoutMs: options.timeout * 1000,
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
