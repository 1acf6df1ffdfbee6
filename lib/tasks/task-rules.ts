import type { SkipReason } from './task-events.js';

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
  const held: (SkipReason | false)[] = [
    isOff && 'inactive',
    isPaused && 'paused',
    isBusy && 'overlap',
  ];
  return isForced
    ? undefined
    : held.find((reason) => reason !== false) || undefined;
}

/**
 * Milliseconds before another try: doubled after each failure, up to a cap.
 *
 * @param failures how often it has failed in a row: 1 or more
 */
export function backoff(
  failures: number,
  firstMs: number,
  longestMs: number,
): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 40));
}
