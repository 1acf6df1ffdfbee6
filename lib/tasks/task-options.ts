import { invalidOptionMessage } from '../zookeeper-leader.messages.js';
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

const LONGEST_NAME = 200;
const LONGEST_HISTORY = 200;
const OVERLAPS: readonly TaskOverlap[] = ['allow', 'skip', 'queue-one'];
const MISSED: readonly MissedTicksPolicy[] = ['latest', 'all', 'skip'];
const INTERRUPTED: readonly InterruptedRunPolicy[] = ['skip', 'rerun'];

/**
 * @param where what is decorated, for error messages
 * @throws {TypeError} that names the option, its value and the fix
 */
export function resolveTaskOptions(
  options: LeaderTaskOptions,
  where: string,
): ResolvedTaskOptions {
  const { ledger, overlap = 'allow', retry, onSkip } = options;
  oneOf(overlap, OVERLAPS, 'overlap', where);
  if (onSkip !== undefined && typeof onSkip !== 'function') {
    throw invalid('onSkip', onSkip, 'is not a function', where);
  }
  return {
    ledger: resolveLedgerOptions(ledger, where),
    overlap,
    retry: retry && resolveRetry(retry, where),
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
  if (ledger !== true && (typeof ledger !== 'object' || ledger === null)) {
    throw invalid('ledger', ledger, 'is neither a boolean nor options', where);
  }
  const {
    missedTicks = 'latest',
    maxLatenessMs = Infinity,
    interruptedRun = 'skip',
    historySize = 20,
  } = ledger === true ? {} : ledger;
  oneOf(missedTicks, MISSED, 'ledger.missedTicks', where);
  oneOf(interruptedRun, INTERRUPTED, 'ledger.interruptedRun', where);
  atLeast(maxLatenessMs, 0, 'ledger.maxLatenessMs', where);
  if (
    !Number.isInteger(historySize) ||
    historySize < 0 ||
    historySize > LONGEST_HISTORY
  ) {
    throw invalid(
      'ledger.historySize',
      historySize,
      `is not a whole number from 0 to ${LONGEST_HISTORY}`,
      where,
    );
  }
  return { missedTicks, maxLatenessMs, interruptedRun, historySize };
}

/**
 * @throws {TypeError} if `name` cannot be a task's name
 */
export function checkTaskName(name: unknown, where: string): void {
  if (
    typeof name !== 'string' ||
    name === '' ||
    name.length > LONGEST_NAME ||
    /\p{Surrogate}/u.test(name)
  ) {
    throw invalid(
      'task',
      name,
      `is not a text of 1 to ${LONGEST_NAME} characters`,
      where,
    );
  }
}

function resolveRetry(
  { attempts, backoffMs = 1_000 }: TaskRetryOptions,
  where: string,
): Required<TaskRetryOptions> {
  if (!Number.isInteger(attempts) || attempts < 2) {
    throw invalid(
      'retry.attempts',
      attempts,
      'is not a whole number of 2 or more; it counts the first try too',
      where,
    );
  }
  atLeast(backoffMs, 0, 'retry.backoffMs', where);
  return { attempts, backoffMs };
}

function atLeast(
  value: unknown,
  least: number,
  option: string,
  where: string,
): void {
  if (!(typeof value === 'number' && value >= least)) {
    throw invalid(
      option,
      value,
      `is not a number of ${least} or more milliseconds`,
      where,
    );
  }
}

function oneOf(
  value: unknown,
  allowed: readonly string[],
  option: string,
  where: string,
): void {
  if (!allowed.includes(value as string)) {
    const expected = allowed.map((each) => `'${each}'`).join(' or ');
    throw invalid(option, value, `is unknown; expected ${expected}`, where);
  }
}

function invalid(
  option: string,
  value: unknown,
  problem: string,
  where: string,
): TypeError {
  return new TypeError(
    invalidOptionMessage(option, value, `of ${where} ${problem}`),
  );
}
