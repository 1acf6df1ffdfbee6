import { OptionChecks, type OptionTable } from '../validate.js';
import type {
  InterruptedRunPolicy,
  LeaderTaskOptions,
  MissedTicksPolicy,
  RunLedgerOptions,
  TaskOverlap,
  TaskRetryOptions,
} from './leader-task-options.interface.js';

/** Options of a ledger, validated and complete. */
export interface ResolvedLedgerOptions {
  readonly missedTicks: MissedTicksPolicy;
  readonly maxLatenessMs: number;
  readonly interruptedRun: InterruptedRunPolicy;
  readonly historySize: number;
}

/** Options of a task besides its name and election, validated and complete. */
export interface ResolvedTaskOptions {
  /** Undefined: the default of the module. */
  readonly ledger: ResolvedLedgerOptions | false | undefined;
  readonly overlap: TaskOverlap;
  readonly retry: Required<TaskRetryOptions> | undefined;
  readonly onSkip: LeaderTaskOptions['onSkip'];
}

const LONGEST_HISTORY = 200;
const OVERLAPS: readonly TaskOverlap[] = ['allow', 'skip', 'queue-one'];
const MISSED: readonly MissedTicksPolicy[] = ['latest', 'all', 'skip'];
const INTERRUPTED: readonly InterruptedRunPolicy[] = ['skip', 'rerun'];

/** Every option of a task: a new one is a line here. */
const TASK_OPTIONS: OptionTable<LeaderTaskOptions> = {
  election: true,
  task: true,
  ledger: true,
  overlap: true,
  retry: true,
  onSkip: true,
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
};

/**
 * @param where what is decorated, for error messages
 * @throws {TypeError} that names the option, its value and the fix
 */
export function resolveTaskOptions(
  options: LeaderTaskOptions,
  where: string,
): ResolvedTaskOptions {
  const checks = new OptionChecks(where);
  const { ledger, overlap, retry, onSkip, scheduled } = checks.object(
    options,
    TASK_OPTIONS,
  );
  checks.flag('scheduled', scheduled, true);
  if (onSkip !== undefined && typeof onSkip !== 'function') {
    throw checks.error('onSkip', onSkip, 'is not a function');
  }
  return {
    ledger: resolveLedgerOptions(ledger, where),
    overlap: checks.oneOf('overlap', overlap, OVERLAPS, 'allow'),
    retry: retry === undefined ? undefined : resolveRetry(retry, checks),
    onSkip,
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
      least: 0,
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
  const { attempts, backoffMs } = checks.object(retry, RETRY_OPTIONS, 'retry');
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
  };
}
