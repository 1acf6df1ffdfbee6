import { parseLedger } from '../tasks/ledger/ledger.js';
import { unlessMissing } from '../zookeeper/unless-missing.js';
import { readCluster, type CliSession } from './cli-session.js';
import { CliError, EXIT, type ExitCode } from './exit-codes.js';
import { auditedHere } from './operator.js';
import { age, columns, printable, time } from './text.js';

/**
 * `ledgers`: the run ledgers that there are, those that nobody has written to for
 * the longest time first.
 */
export async function ledgers(session: CliSession): Promise<ExitCode> {
  const { client, paths, options, output } = session;
  const view = await readCluster(session);
  const found = await Promise.all(
    view.ledgers.map(async ({ task, runs, problem }) => {
      const node = await unlessMissing(client.get(paths.task(task)));
      return (
        node && {
          task,
          znode: paths.task(task),
          writtenAt: new Date(node.stat.modifiedAtMs),
          runs: runs.length,
          bytes: Buffer.byteLength(node.data),
          ...(problem !== undefined && { problem }),
        }
      );
    }),
  );
  const sorted = found
    .filter((each) => each !== undefined)
    .toSorted((a, b) => a.writtenAt.getTime() - b.writtenAt.getTime());
  if (options.json) {
    output.out(JSON.stringify(sorted, undefined, 2));
  } else if (sorted.length === 0) {
    output.out('No task has a run ledger.');
  } else {
    output.out(
      columns([
        ['TASK', 'WRITTEN', 'RUNS', 'BYTES', ''],
        ...sorted.map(({ task, writtenAt, runs, bytes, problem }) => [
          printable(task),
          `${time(writtenAt)} (${age(writtenAt)} ago)`,
          String(runs),
          String(bytes),
          printable(problem ?? ''),
        ]),
      ]),
    );
  }
  return EXIT.done;
}

/** `ledgers remove <task>`: forgets the runs of a task. */
export async function removeLedger(
  session: CliSession,
  task: string,
): Promise<ExitCode> {
  const { client, paths, options, output } = session;
  const path = paths.task(task);
  const node = await unlessMissing(client.get(path));
  if (!node) {
    throw new CliError(
      EXIT.notFound,
      `There is no run ledger of a task "${task}" below ${paths.base}. ` +
        'ledgers lists those that there are.',
    );
  }
  if (isPaused(node.data, task)) {
    throw new CliError(
      EXIT.failed,
      `"${printable(task)}" is paused, which is kept in the same node: without it, ` +
        'the task would run again. Resume it first.',
    );
  }
  await auditedHere(session, 'remove-ledger', task, async () => {
    await client.delete(path);
    return { outcome: 'Removed.', result: undefined };
  });
  output.out(
    options.json
      ? JSON.stringify({ task, removed: true }, undefined, 2)
      : `The run ledger of "${printable(task)}" has been removed. If the task ` +
          'still exists, it begins a new one and forgets the old runs.',
  );
  return EXIT.done;
}

/** A node that cannot be read holds no pause either. */
function isPaused(data: string, task: string): boolean {
  try {
    return parseLedger(data, task).pause !== undefined;
  } catch {
    return false;
  }
}
