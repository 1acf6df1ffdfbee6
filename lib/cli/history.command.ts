import type { LedgerView } from '../cluster/cluster-view.interface.js';
import { parseLedger, runsOf } from '../tasks/ledger/ledger.js';
import { unlessMissing } from '../zookeeper/unless-missing.js';
import type { CliSession } from './cli-session.js';
import { CliError, EXIT, type ExitCode } from './exit-codes.js';
import { durationText } from '../duration-text.js';
import { columns, printable, time } from './text.js';

/** `history <task>`: the runs that the task's ledger remembers. */
export async function history(
  { client, paths, options, output }: CliSession,
  task: string,
): Promise<ExitCode> {
  const path = paths.task(task);
  const [, content] = await Promise.all([
    client.sync(path),
    unlessMissing(client.get(path)),
  ]);
  if (!content) {
    throw new CliError(
      EXIT.notFound,
      `There is no run ledger of a task "${task}" below ${paths.base}. ` +
        'status lists those that there are.',
    );
  }
  const runs = read(content.data, task);
  output.out(
    options.json
      ? JSON.stringify({ task, runs }, undefined, 2)
      : describe(runs),
  );
  return EXIT.done;
}

function read(data: string, task: string): LedgerView['runs'] {
  try {
    return runsOf(parseLedger(data, task));
  } catch (error) {
    throw new CliError(
      EXIT.failed,
      `The run ledger of the task "${task}" cannot be used: ${(error as Error).message}`,
    );
  }
}

function describe(runs: LedgerView['runs']): string {
  return columns([
    ['TICK', 'OUTCOME', 'DURATION', 'ATTEMPT', 'TOKEN', 'INSTANCE', ''],
    ...runs.map((run) => [
      time(run.tick),
      run.outcome,
      run.durationMs === undefined ? '' : durationText(run.durationMs),
      String(run.attempt),
      String(run.fencingToken),
      printable(run.instanceId),
      printable(run.error ?? ''),
    ]),
  ]);
}
