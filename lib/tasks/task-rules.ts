import type { SkipReason } from './leader-task-info.interface.js';

/** What a call, or a request for a run, finds. */
export interface Situation {
  /** The application is closing, or the task has been disposed of. */
  readonly refusal: 'closing' | 'disposed' | undefined;
  readonly isLeading: boolean;
  /** Whether the job that called has been switched off since. */
  readonly isOff: boolean;
  /** Of a task without a ledger: a ledger refuses the claim. */
  readonly isPaused: boolean;
  /** Whether a run goes on that may not be overlapped. */
  readonly isBusy: boolean;
}

/** Why nothing runs; undefined: it runs, if a ledger does not refuse the claim. */
export function whyNot(
  { refusal, isLeading, isOff, isPaused, isBusy }: Situation,
  isForced = false,
): SkipReason | undefined {
  if (refusal !== undefined || !isLeading) {
    return refusal ?? 'not-leading';
  }
  if (isForced) {
    return undefined;
  }
  if (isOff) {
    return 'inactive';
  }
  if (isPaused) {
    return 'paused';
  }
  return isBusy ? 'overlap' : undefined;
}
