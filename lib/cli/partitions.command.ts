import type { PartitionGroupView } from '../cluster/partition-view.interface.js';
import { overdueOf } from '../cluster/verdict.js';
import { readSettled, type CliSession } from './cli-session.js';
import { CliError, EXIT, type ExitCode } from './exit-codes.js';
import { describeGroup } from './partitions.text.js';
import { columns, printable, time } from './text.js';

/** `partitions`: who owns each of them, since when, and with which token. */
export async function partitions(
  session: CliSession,
  name?: string,
): Promise<ExitCode> {
  const { output, options, paths } = session;
  const view = await readSettled(session);
  const groups = view.partitions.filter(
    ({ group }) => name === undefined || group === name,
  );
  if (options.json) {
    output.out(JSON.stringify(groups, undefined, 2));
  } else if (groups.length > 0) {
    output.out(
      groups
        .map((each) => `${describeGroup(each)}\n\n${describeOwners(each)}`)
        .join('\n\n'),
    );
  }
  if (groups.length === 0) {
    const what =
      name === undefined
        ? 'There are no partitions'
        : `There are no partitions "${printable(name)}"`;
    throw new CliError(EXIT.notFound, `${what} below ${paths.base}.`);
  }
  const isOverdue = groups.some((each) => overdueOf(each).length > 0);
  if (isOverdue) {
    return EXIT.unowned;
  }
  const isMixed = groups.some(({ warnings }) => warnings.length > 0);
  return isMixed ? EXIT.foreignLeader : EXIT.done;
}

function describeOwners({ owners }: PartitionGroupView): string {
  const rows = owners.map((owner, partition) => {
    const { instanceId, since, fencingToken } = owner ?? {};
    return [
      String(partition).padStart(7),
      instanceId === undefined ? 'nobody' : printable(instanceId),
      since ? `since ${time(since)}` : '',
      fencingToken === undefined ? '' : `fencing token ${fencingToken}`,
    ];
  });
  return columns(rows);
}
