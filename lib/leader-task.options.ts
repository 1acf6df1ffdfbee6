import type {
  InterruptedRunPolicy,
  LeaderTaskOptions,
  MissedTicksPolicy,
  RunLedgerOptions,
  TaskOverlap,
  TaskRetryOptions,
} from './interfaces/leader-task-options.interface.js';
import { MOST_PARTITIONS } from './partitions/group-nodes.js';
import { OptionChecks, type OptionTable } from './validate.js';

/** Options of a ledger, validated and complete. */
export type ResolvedLedgerOptions = Required<RunLedgerOptions>;

/** Options of a task besides its name and election, validated and complete. */
export interface ResolvedTaskOptions {
  readonly ledger: ResolvedLedgerOptions | false;
  readonly overlap: TaskOverlap;
  readonly retry: Required<TaskRetryOptions> | undefined;
  readonly timeLimitMs: number | undefined;
  /** Undefined: the leader of an election runs it. */
  readonly partitions: number | undefined;
}

const LONGEST_HISTORY = 200;
/** A timer may be late by more than less. */
const LEAST_LATENESS_MS = 100;
const OVERLAPS: readonly TaskOverlap[] = ['allow', 'skip', 'queue-one'];
const MISSED: readonly MissedTicksPolicy[] = ['latest', 'all', 'skip'];
const INTERRUPTED: readonly InterruptedRunPolicy[] = ['skip', 'rerun'];

/** Every option of a task: a new one is a line here. */
const TASK_OPTIONS: OptionTable<LeaderTaskOptions> = {
  election: true,
  partitions: true,
  task: true,
  ledger: true,
  overlap: true,
  retry: true,
  timeLimitMs: true,
  scheduled: true,
};

const LEDGER_OPTIONS: OptionTable<RunLedgerOptions> = {
  missedTicks: true,
  maxLatenessMs: true,
  interruptedRun: true,
  historySize: true,
};

const RETRY_OPTIONS: OptionTable<TaskRetryOptions> = {
  attempts: true,
  backoffMs: true,
  maxBackoffMs: true,
  jitter: true,
};

/**
 * @param where what is decorated, for error messages
 * @param isScheduled whether a schedule calls the task, as far as is known
 * @param scheduledLedger the ledger of such a task that does not say itself
 * @throws {TypeError} that names the option, its value and the fix
 */
export function resolveTaskOptions(
  options: LeaderTaskOptions,
  where: string,
  isScheduled: boolean,
  scheduledLedger: ResolvedLedgerOptions | false,
): ResolvedTaskOptions {
  const checks = new OptionChecks(where);
  const { overlap, retry, timeLimitMs, scheduled, partitions, ...others } =
    checks.object(options, TASK_OPTIONS);
  if (partitions !== undefined && options.election !== undefined) {
    throw checks.error(
      'partitions',
      partitions,
      `stands beside election: "${options.election}". Partitions have owners of ` +
        'their own: leave out one of both',
    );
  }
  checks.flag('scheduled', scheduled, true);
  const ledger =
    resolveLedgerOptions(others.ledger, where) ??
    (isScheduled && scheduledLedger);
  return {
    ledger,
    overlap: checks.oneOf(
      'overlap',
      overlap,
      OVERLAPS,
      // Two runs of a schedule's task beside each other are rarely meant.
      isScheduled || ledger ? 'skip' : 'allow',
    ),
    retry: retry === undefined ? undefined : resolveRetry(retry, checks),
    timeLimitMs:
      timeLimitMs === undefined
        ? undefined
        : checks.milliseconds('timeLimitMs', timeLimitMs, {
            least: 1,
            fallback: 1,
          }),
    partitions:
      partitions === undefined
        ? undefined
        : checks.wholeNumber('partitions', partitions, {
            least: 1,
            most: MOST_PARTITIONS,
            fallback: 1,
          }),
  };
}

/**
 * @throws {TypeError} that names the option, its value and the fix
 */
export function resolveLedgerOptions(
  ledger: boolean | RunLedgerOptions | undefined,
  where: string,
): ResolvedLedgerOptions | false | undefined {
  if (ledger === undefined || ledger === false) {
    return ledger;
  }
  const checks = new OptionChecks(where);
  if (ledger !== true && (typeof ledger !== 'object' || ledger === null)) {
    throw checks.error('ledger', ledger, 'is neither a boolean nor options');
  }
  const { missedTicks, maxLatenessMs, interruptedRun, historySize } =
    checks.object(ledger === true ? {} : ledger, LEDGER_OPTIONS, 'ledger');
  return {
    missedTicks: checks.oneOf(
      'ledger.missedTicks',
      missedTicks,
      MISSED,
      'latest',
    ),
    maxLatenessMs: checks.milliseconds('ledger.maxLatenessMs', maxLatenessMs, {
      least: LEAST_LATENESS_MS,
      most: Infinity,
      fallback: Infinity,
    }),
    interruptedRun: checks.oneOf(
      'ledger.interruptedRun',
      interruptedRun,
      INTERRUPTED,
      'skip',
    ),
    historySize: checks.wholeNumber('ledger.historySize', historySize, {
      least: 0,
      most: LONGEST_HISTORY,
      fallback: 20,
    }),
  };
}

/**
 * @throws {TypeError} if `name` cannot be a task's name
 */
export function checkTaskName(name: unknown, where: string): void {
  new OptionChecks(where).name('task', name);
}

function resolveRetry(
  retry: TaskRetryOptions,
  checks: OptionChecks,
): Required<TaskRetryOptions> {
  const { attempts, backoffMs, maxBackoffMs, jitter } = checks.object(
    retry,
    RETRY_OPTIONS,
    'retry',
  );
  if (!Number.isInteger(attempts) || attempts < 2) {
    throw checks.error(
      'retry.attempts',
      attempts,
      'is not a whole number of 2 or more; it counts the first try too',
    );
  }
  return {
    attempts,
    backoffMs: checks.milliseconds('retry.backoffMs', backoffMs, {
      least: 0,
      fallback: 1_000,
    }),
    maxBackoffMs: checks.milliseconds('retry.maxBackoffMs', maxBackoffMs, {
      least: 0,
      fallback: 60_000,
    }),
    jitter: checks.flag('retry.jitter', jitter, true),
  };
}
