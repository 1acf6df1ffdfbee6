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
 * A pause of a task in the whole cluster.
 *
 * @publicApi
 */
export interface TaskPause {
  /** Who paused it: an instance id, or what the caller gave as `by`. */
  readonly by: string;
  /** When, by the wall clock of that instance. */
  readonly at: Date;
  /** Why, shortened to 300 characters. */
  readonly reason?: string;
}

/**
 * A leader task as `LeaderTasks.list()` describes it.
 *
 * @publicApi
 */
export interface LeaderTaskInfo {
  /** Name of the task. */
  readonly task: string;
  /** Name of the election whose leader runs it. */
  readonly election: string;
  /** Number of its partition; absent without the option `partitions`. */
  readonly partition?: number;
  /** How many partitions there are; absent without the option `partitions`. */
  readonly partitions?: number;
  /** Absent if nothing is known to schedule it. */
  readonly schedule?: LeaderTaskSchedule;
  /**
   * Whether its job runs in this process: false for one that is disabled, stopped
   * or deleted. Absent if nothing is known to schedule it.
   */
  readonly isActive?: boolean;
  /** The next tick, by this instance's wall clock; absent while the job is off. */
  readonly nextTick?: Date;
  /** Whether the task has a run ledger. */
  readonly hasLedger: boolean;
  /**
   * Present while the task is paused, as far as this instance knows. The leader
   * knows at its next claim at the latest; ZooKeeper itself is asked by
   * `LeaderTasks.pauseOf()`.
   */
  readonly paused?: TaskPause;
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
  /** Runs that ended with an error or at their time limit, after all tries. */
  readonly failed: number;
  /** Calls that did nothing. */
  readonly skipped: number;
  /** Ticks that nobody ran and nobody will. */
  readonly missed: number;
}

/**
 * Why a call of a leader task did nothing:
 * - `not-leading`: this instance does not lead;
 * - `closing`: the application is closing;
 * - `paused`: the task is paused in the whole cluster;
 * - `inactive`: its job has been stopped or deleted while the call waited; or a run
 *   was asked for, and the job is off;
 * - `overlap`: a run goes on, and the option `overlap` forbids another one;
 * - `claimed`: the tick has been run already, here or by another instance;
 * - `too-late`: the tick is older than `maxLatenessMs`;
 * - `ledger-unavailable`: the tick could not be claimed, because ZooKeeper or
 *   the ledger was not in order;
 * - `disposed`: the task has been ended by `dispose()`, or `onlyLeader()` was
 *   called again for a task of that name.
 *
 * @publicApi
 */
export type SkipReason =
  | 'not-leading'
  | 'closing'
  | 'paused'
  | 'inactive'
  | 'overlap'
  | 'claimed'
  | 'too-late'
  | 'ledger-unavailable'
  | 'disposed';

/**
 * What made a task run: a `call` (as a rule by the scheduler), a `missed` tick,
 * an `interrupted` run, a request by `LeaderTasks.runOnLeader()` (`requested`), or
 * `LeaderTasks.runHere()` (`manual`).
 *
 * @publicApi
 */
export type RunTrigger =
  'call' | 'missed' | 'interrupted' | 'requested' | 'manual';

/**
 * The run of a leader task in which a piece of code is called.
 *
 * @publicApi
 */
export interface LeaderTaskContext {
  /** Name of the task. */
  readonly task: string;
  /** Name of the election, or of the partition. */
  readonly election: string;
  /** Number of the partition that the run is for; 0 without the option `partitions`. */
  readonly partition: number;
  /** How many partitions the task has; 1 without the option `partitions`. */
  readonly partitions: number;
  /** The same in all events of this run and in its ledger. */
  readonly runId: string;
  /**
   * The scheduled time of this run, the same in all instances whatever their
   * clocks say: a key for whatever must exist once per tick. Undefined for runs
   * that no schedule has asked for.
   */
  readonly tick: Date | undefined;
  /**
   * Token of the term in which the run began, for resources that refuse the late
   * writes of a former leader. 0, less than any token of ZooKeeper, in a manual run
   * of an instance that does not lead.
   */
  readonly fencingToken: number;
  /**
   * Aborts with a {@link LeadershipLostError} when that term ends, and with a
   * {@link LeaderTaskError} `TIME_LIMIT` when the option `timeLimitMs` says so; its
   * `reason` tells which. After the end of the run it says nothing any more: await
   * what belongs to the run.
   */
  readonly signal: AbortSignal;
  /** 1, and one more for each retry, and for each rerun of a tick. */
  readonly attempt: number;
  /** What made the task run. */
  readonly trigger: RunTrigger;
}

/**
 * A run as the ledger remembers it.
 *
 * @publicApi
 */
export interface LeaderTaskRun {
  /** The same as `runId` in events and in `currentLeaderTask()`. */
  readonly id: string;
  /** Scheduled time of the tick; of a run on request, the time of the request. */
  readonly tick: Date;
  /** 1, and one more for each time that the tick had to be run again. */
  readonly attempt: number;
  /** The instance that ran it. */
  readonly instanceId: string;
  /** Fencing token of the term in which it began. */
  readonly fencingToken: number;
  /** By the wall clock of the instance that ran it. */
  readonly startedAt: Date;
  /** What made it run; absent in entries of earlier versions. */
  readonly trigger?: RunTrigger;
  /** Who asked for it, for a run on request. */
  readonly requestedBy?: string;
  /** Milliseconds; absent while it goes on, and where nobody saw the end. */
  readonly durationMs?: number;
  /**
   * - `running`: it has begun, and no end is recorded;
   * - `finished`, `failed`: it ended well, or with an error;
   * - `timed-out`: it took longer than `timeLimitMs`;
   * - `aborted`: it ended with an error after leadership had ended;
   * - `interrupted`: a later leader found that it had not ended.
   */
  readonly outcome:
    'running' | 'finished' | 'failed' | 'timed-out' | 'aborted' | 'interrupted';
  /** Message of the error, shortened to 300 characters. */
  readonly error?: string;
}

/**
 * What became of a run that somebody asked the leader for.
 *
 * @publicApi
 */
export interface RequestedRun {
  /** Name of the task. */
  readonly task: string;
  /** The leader that took the request. */
  readonly instanceId: string;
  /** Id of the run; absent if there was none. */
  readonly runId?: string;
  /** `skipped`: the leader ran nothing, see `reason`. */
  readonly outcome: 'finished' | 'failed' | 'timed-out' | 'aborted' | 'skipped';
  /** Why nothing ran. */
  readonly reason?: SkipReason;
  /** Milliseconds that the run took. */
  readonly durationMs?: number;
  /** Message of the error, or of what was wrong with the ledger. */
  readonly error?: string;
}

/** What the leader answers to a request for a run. */
export type RunAnswer = Omit<RequestedRun, 'task' | 'instanceId'>;
