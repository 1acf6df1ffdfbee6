import type { SkippedTask } from './leader-task-event.interface.js';

/**
 * What becomes of a call while a run of the same task goes on in this instance,
 * be it of an earlier term:
 * - `allow` (default): both run at the same time;
 * - `skip`: the call does nothing;
 * - `queue-one`: the call waits for the end of the run; further ones do nothing
 *   while it waits.
 *
 * @publicApi
 */
export type TaskOverlap = 'allow' | 'skip' | 'queue-one';

/**
 * What a leader does about ticks that nobody ran:
 * - `latest` (default): the last of them is run, late;
 * - `all`: each is run, late, one after the other;
 * - `skip`: none.
 *
 * @publicApi
 */
export type MissedTicksPolicy = 'skip' | 'latest' | 'all';

/**
 * What a leader does about a run that another instance has begun and not ended,
 * or this one in an earlier life:
 * - `skip` (default): nothing, so that every tick runs at most once;
 * - `rerun`: it is run again, with a greater `attempt`, so that it runs at least
 *   once.
 *
 * @publicApi
 */
export type InterruptedRunPolicy = 'skip' | 'rerun';

/**
 * How a task's run ledger is used: the record in ZooKeeper by which every tick
 * of the task's schedule runs once in the whole cluster.
 *
 * @publicApi
 */
export interface RunLedgerOptions {
  /** What is done about ticks that nobody ran. Default `latest`. */
  readonly missedTicks?: MissedTicksPolicy;
  /**
   * Milliseconds after its time for which a tick may still be run; later it
   * counts as missed for good. Default: no limit.
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
   * Name of the task, unique in the application and the same in all instances.
   * Default `ClassName.method`. Give a name to a task with a ledger: a class
   * that is renamed, or a minifier, would begin another ledger.
   */
  readonly task?: string;
  /**
   * Whether the task has a run ledger, and how it is used. Default: the option
   * `ledger` of the module for scheduled methods, else false.
   */
  readonly ledger?: boolean | RunLedgerOptions;
  /** What becomes of a call while a run goes on. Default `allow`. */
  readonly overlap?: TaskOverlap;
  /** Tries a failed run again. Default: no. */
  readonly retry?: TaskRetryOptions;
  /**
   * Called for every call that does nothing, in the turn of the call. Errors in
   * it are logged and go no further.
   */
  readonly onSkip?: (skipped: SkippedTask) => void;
  /**
   * False: the application calls the method itself, so there is no warning that
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
  'election' | 'scheduled'
>;

/**
 * A function that runs on the leader only. It returns what the function returns,
 * `undefined` where it does not run, and a promise of either where that is known
 * later only.
 *
 * @publicApi
 */
export type OnlyLeaderFunction<Args extends unknown[], Result> = (
  ...args: Args
) => Result | Promise<Awaited<Result> | undefined> | undefined;
