/**
 * When a task runs, as its scheduler decorator says.
 *
 * @publicApi
 */
export type LeaderTaskSchedule =
  | {
      readonly type: 'cron';
      readonly expression: string;
      /** IANA name, or an offset such as `UTC+02:00`. */
      readonly timeZone: string;
    }
  | { readonly type: 'interval'; readonly everyMs: number }
  | { readonly type: 'timeout'; readonly afterMs: number };

/**
 * A leader task as `LeaderTasks.list()` tells of it.
 *
 * @publicApi
 */
export interface LeaderTaskInfo {
  /** Name of the task. */
  readonly task: string;
  /** Name of the election whose leader runs it. */
  readonly election: string;
  /** Absent if nothing is known to schedule it. */
  readonly schedule?: LeaderTaskSchedule;
  /** The next tick, by this instance's wall clock. */
  readonly nextTick?: Date;
  /** Whether the task has a run ledger. */
  readonly hasLedger: boolean;
  /** Number of runs that go on in this instance. */
  readonly running: number;
  /** What this instance has counted since its start. */
  readonly counts: LeaderTaskCounts;
}

/**
 * Counts of a task in this instance, since its start.
 *
 * @publicApi
 */
export interface LeaderTaskCounts {
  /** Runs that ended well. */
  readonly finished: number;
  /** Runs that ended with an error, after all tries. */
  readonly failed: number;
  /** Calls that did nothing. */
  readonly skipped: number;
  /** Ticks that were found to have been run by nobody and are not run any more. */
  readonly missed: number;
}

/**
 * A run as the ledger remembers it.
 *
 * @publicApi
 */
export interface LeaderTaskRun {
  /** Scheduled time of the tick. */
  readonly tick: Date;
  /** 1, and one more for each time that the tick had to be run again. */
  readonly attempt: number;
  /** The instance that ran it. */
  readonly instanceId: string;
  /** Fencing token of the term in which it began. */
  readonly fencingToken: number;
  /** By the wall clock of the instance that ran it. */
  readonly startedAt: Date;
  /** Milliseconds; absent while it goes on, and where nobody saw the end. */
  readonly durationMs?: number;
  /**
   * - `running`: it has begun, and no end is recorded;
   * - `finished`, `failed`: it ended well, or with an error;
   * - `aborted`: it ended with an error after leadership had ended;
   * - `interrupted`: a later leader found that it had not ended.
   */
  readonly outcome:
    'running' | 'finished' | 'failed' | 'aborted' | 'interrupted';
  /** Message of the error, shortened to 300 characters. */
  readonly error?: string;
}
