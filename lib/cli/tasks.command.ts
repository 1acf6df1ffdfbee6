import type { LedgerView } from '../cluster/cluster-view.interface.js';
import { taskStateOf, type TaskState } from '../cluster/task-state.js';
import { count } from '../cluster/verdict.js';
import { readCluster, type CliSession } from './cli-session.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { durationText } from '../duration-text.js';
import { age, columns, printable, time } from './text.js';

/** `tasks`: how the tasks with a run ledger do, those that fail first. */
export async function tasks(session: CliSession): Promise<ExitCode> {
  const { ledgers } = await readCluster(session);
  const judged = ledgers
    .map((ledger) => ({
      ledger,
      state: taskStateOf(ledger.runs, ledger.problem),
    }))
    .toSorted((a, b) => Number(b.state.isFailing) - Number(a.state.isFailing));
  const failing = judged.filter(({ state }) => state.isFailing).length;
  session.output.out(
    session.options.json
      ? JSON.stringify(
          judged.map(({ ledger: { task }, state }) => ({ task, ...state })),
          undefined,
          2,
        )
      : describe(judged, failing),
  );
  return failing > 0 ? EXIT.failing : EXIT.done;
}

function describe(
  judged: readonly { ledger: LedgerView; state: TaskState }[],
  failing: number,
): string {
  if (judged.length === 0) {
    return 'No task has a run ledger.';
  }
  return [
    `${failing} of ${count(judged.length, 'task')} failing`,
    columns([
      ['TASK', 'STATE', 'LAST SUCCESS', 'USUALLY', ''],
      ...judged.map(({ ledger, state }) => [
        printable(ledger.task),
        stateText(ledger, state),
        state.lastSuccess
          ? `${time(state.lastSuccess)} (${age(state.lastSuccess)} ago)`
          : 'none known',
        state.usualMs === undefined ? '' : durationText(state.usualMs),
        state.isFailing ? printable(state.error ?? '') : '',
      ]),
    ]),
  ].join('\n\n');
}

function stateText({ problem, runs }: LedgerView, state: TaskState): string {
  if (problem !== undefined) {
    return 'unreadable';
  }
  const running = state.running
    ? `running for ${age(state.running.since)}`
    : undefined;
  if (state.isFailing) {
    const times =
      state.failedInARow > 1 ? `failed ${state.failedInARow} times` : 'failed';
    return running ? `${times}, ${running}` : times;
  }
  return running ?? (runs.length > 0 ? 'well' : 'never run');
}
