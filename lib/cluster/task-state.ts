import type { LeaderTaskRun } from '../tasks/leader-task-info.interface.js';

/** What of a run is needed to judge a task. */
export type JudgedRun = Pick<
  LeaderTaskRun,
  'startedAt' | 'durationMs' | 'outcome' | 'instanceId' | 'error'
>;

/** How a task does, by its last runs. */
export interface TaskState {
  /** Whether its last run that has ended did not end well, or cannot be read. */
  readonly isFailing: boolean;
  /** Runs since the last one that ended well. */
  readonly failedInARow: number;
  /** The first line of the last error; of a task that fails. */
  readonly error?: string;
  /** End of the last run that ended well. */
  readonly lastSuccess?: Date;
  /** The run that goes on. */
  readonly running?: { readonly since: Date; readonly instanceId: string };
  /** Median duration of the runs that ended well, of three or more. */
  readonly usualMs?: number;
}

const LEAST_RUNS_FOR_USUAL = 3;

/**
 * Judges a task by its runs, the newest first.
 *
 * @param problem why its ledger cannot be read
 */
export function taskStateOf(
  runs: readonly JudgedRun[],
  problem?: string,
): TaskState {
  const ended = runs.filter(({ outcome }) => outcome !== 'running');
  const firstSuccess = ended.findIndex(({ outcome }) => outcome === 'finished');
  const failedInARow = firstSuccess < 0 ? ended.length : firstSuccess;
  const [last] = ended;
  const error =
    problem ?? (failedInARow > 0 ? (last?.error ?? last?.outcome) : undefined);
  const success = ended[firstSuccess];
  const running = runs.find(({ outcome }) => outcome === 'running');
  const usualMs = usualOf(ended);
  return {
    isFailing: failedInARow > 0 || problem !== undefined,
    failedInARow,
    ...(error !== undefined && { error: firstLine(error) }),
    ...(success && {
      lastSuccess: new Date(
        success.startedAt.getTime() + (success.durationMs ?? 0),
      ),
    }),
    ...(running && {
      running: { since: running.startedAt, instanceId: running.instanceId },
    }),
    ...(usualMs !== undefined && { usualMs }),
  };
}

function usualOf(ended: readonly JudgedRun[]): number | undefined {
  const durations = ended
    .flatMap(({ outcome, durationMs }) =>
      outcome === 'finished' && durationMs !== undefined ? [durationMs] : [],
    )
    .toSorted((a, b) => a - b);
  return durations.length < LEAST_RUNS_FOR_USUAL
    ? undefined
    : durations[Math.floor(durations.length / 2)];
}

function firstLine(text: string): string {
  return text.trim().split(/[\r\n]/, 1)[0] ?? '';
}
