/**
 * What a call does while a run of the same task goes on in this instance, also
 * one of an earlier term:
 * - `skip` (default for what a schedule calls): the call does nothing;
 * - `allow` (default for all other tasks): both run at the same time;
 * - `queue-one`: the call waits for the end of the run; further ones do nothing
 *   while it waits.
 *
 * @publicApi
 */
export type TaskOverlap = 'allow' | 'skip' | 'queue-one';

/**
 * What a leader does about missed ticks (misfires), which nobody ran:
 * - `latest` (default): the last of them is run, late;
 * - `all`: each is run, late, one after the other;
 * - `skip`: none.
 *
 * @publicApi
 */
export type MissedTicksPolicy = 'skip' | 'latest' | 'all';

/**
 * What a leader does about a run that has begun and never ended, because its
 * process died or was cut off:
 * - `skip` (default): nothing, and every tick runs at most once;
 * - `rerun`: it is run again, with a greater `attempt`, and every tick runs at
 *   least once.
 *
 * @publicApi
 */
export type InterruptedRunPolicy = 'skip' | 'rerun';

/**
 * How a task uses its run ledger: the record of runs in ZooKeeper by which no tick
 * of its schedule runs twice in the whole cluster, and missed ticks are found.
 *
 * @publicApi
 */
export interface RunLedgerOptions {
  /** What is done about ticks that nobody ran. Default `latest`. */
  readonly missedTicks?: MissedTicksPolicy;
  /**
   * Milliseconds after its time for which a tick may still be run, 100 or more;
   * later it counts as missed for good. Default: no limit.
   */
  readonly maxLatenessMs?: number;
  /** What is done about runs that began and never ended. Default `skip`. */
  readonly interruptedRun?: InterruptedRunPolicy;
  /**
   * Number of runs that `LeaderTasks.history()` remembers, 0 to 200. Default 20.
   * They are part of every write: some 250 bytes each.
   */
  readonly historySize?: number;
}

/**
 * How a failed run is tried again, for as long as this instance leads.
 *
 * @publicApi
 */
export interface TaskRetryOptions {
  /** How often a run is tried in all, the first time included: 2 or more. */
  readonly attempts: number;
  /**
   * Milliseconds before the second try; doubled before each further one.
   * Default 1,000.
   */
  readonly backoffMs?: number;
  /** The longest pause between two tries, in milliseconds. Default 60,000. */
  readonly maxBackoffMs?: number;
  /**
   * True: each pause is a random part of its length, at least half of it, and
   * tasks that failed together are not tried again together. Default true.
   */
  readonly jitter?: boolean;
}

/**
 * Options of {@link OnlyLeader} and `LeaderElection.onlyLeader()`.
 *
 * @publicApi
 */
export interface LeaderTaskOptions {
  /** Name of the election whose leader runs the task. Default `default`. */
  readonly election?: string;
  /**
   * Splits the task into partitions, 1 to 10,000, which the instances share: a tick
   * runs the method once for each partition, on the instance that owns it
   * (docs/partitions.md). `currentLeaderTask()` says which one. Not together with
   * `election`. A call resolves to `undefined` when its runs have ended.
   */
  readonly partitions?: number;
  /**
   * Name of the task, unique in the application and the same in all instances.
   * Default `ClassName.method`. Give a name to a task with a ledger: when the
   * class is renamed or minified, the task would begin another ledger.
   */
  readonly task?: string;
  /**
   * Whether the task has a run ledger, and how it is used. Default: the option
   * `ledger` of the module for scheduled methods, else false.
   */
  readonly ledger?: boolean | RunLedgerOptions;
  /**
   * What a call does while a run goes on. Default `skip` for scheduled methods
   * and for named or ledgered functions, else `allow`.
   */
  readonly overlap?: TaskOverlap;
  /** Tries a failed run again. Default: no. */
  readonly retry?: TaskRetryOptions;
  /**
   * Milliseconds that a try may take. Then its `signal` aborts, and the run has
   * failed with the outcome `timed-out`. Default: no limit.
   */
  readonly timeLimitMs?: number;
  /**
   * False: the application calls the method itself, and there is no warning that
   * nothing schedules it. Default true.
   */
  readonly scheduled?: boolean;
}

/**
 * Options of `LeaderElection.onlyLeader()`.
 *
 * @publicApi
 */
export type OnlyLeaderOptions = Omit<
  LeaderTaskOptions,
  'election' | 'partitions' | 'scheduled'
>;

/**
 * A function that runs on the leader only. It returns what the function returns,
 * `undefined` where it does not run, and a promise of either where that is known
 * later only.
 *
 * @publicApi
 */
export interface OnlyLeaderFunction<Args extends unknown[], Result> {
  (...args: Args): Result | Promise<Awaited<Result> | undefined> | undefined;
  /**
   * Ends the task: further calls do nothing, and it leaves the lists, the metrics
   * and the dashboard. A run that goes on is not interrupted. Its ledger stays in
   * ZooKeeper until somebody removes it.
   */
  dispose(): void;
}
