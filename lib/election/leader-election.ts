import type { Observable } from 'rxjs';
import type {
  OnlyLeaderFunction,
  OnlyLeaderOptions,
} from '../interfaces/leader-task-options.interface.js';
import type {
  Leadership,
  LeadershipTerm,
  Participant,
  WaitForLeadershipOptions,
} from './leadership.interface.js';

/**
 * A contest among the instances of an application, of which exactly one leads.
 *
 * Injected by its class for the default election, by
 * `@InjectLeaderElection(name)` for any other.
 *
 * @example
 * ```ts
 * @Injectable()
 * class Invoices {
 *   constructor(private readonly election: LeaderElection) {
 *     election.leadership$.subscribe(({ role, reason }) => {
 *       console.log(`${role} (${reason})`);
 *     });
 *   }
 * }
 * ```
 *
 * @publicApi
 */
export abstract class LeaderElection {
  /** Name of the election. */
  abstract readonly name: string;

  /** Id of this instance. */
  abstract readonly instanceId: string;

  /** What {@link leadership$} has emitted last. */
  abstract readonly leadership: Leadership;

  /**
   * This instance's part in the election: emits the present state on
   * subscription and then every change, in order and each once. Never errors;
   * completes at shutdown. By RxJS's rule, a listener that throws ends the process.
   */
  abstract readonly leadership$: Observable<Leadership>;

  /**
   * Who leads: emits the leader as ZooKeeper has it on subscription and at
   * every change, `undefined` while there is none. Pushed, not polled; costs
   * four reads per change and subscribed instance, and nothing without
   * subscribers. Never errors; completes at shutdown. By RxJS's rule, a listener
   * that throws ends the process.
   */
  abstract readonly leader$: Observable<Participant | undefined>;

  /**
   * Whether this instance leads at this very moment, checked against the clock:
   * false as soon as ZooKeeper may have elected another one, even where no
   * event could be received, as after a pause of the process.
   */
  abstract isLeader(): boolean;

  /**
   * All participants in the order in which they will lead, the leader first.
   * Empty if there are none.
   *
   * @throws {ZookeeperError} (rejects) when ZooKeeper cannot be reached
   */
  abstract participants(): Promise<Participant[]>;

  /**
   * Resolves when this instance leads, at once if it does already. Giving up
   * waiting does not take the instance out of the election.
   *
   * @throws {LeaderElectionError} (rejects) `TIMEOUT` after `timeoutMs`
   * milliseconds, `CLOSED` when the application closes first, `DISABLED` if
   * this instance never takes part; or the reason of `signal` when that aborts
   * @throws {TypeError} (rejects) for options that are not valid
   *
   * @example
   * ```ts
   * const term = await election.waitForLeadership({ timeoutMs: 5_000 });
   * await work({ signal: term.signal });
   * ```
   */
  abstract waitForLeadership(
    options?: WaitForLeadershipOptions,
  ): Promise<LeadershipTerm>;

  /**
   * Gives leadership up: the term ends now, running leader tasks are told and
   * waited for (`drainTimeoutMs` at most), then the next in line leads and this
   * instance queues again behind all others. Does nothing if this instance does
   * not lead. Resolves when the leadership is free, or after two session
   * timeouts if ZooKeeper does not answer; never rejects.
   */
  abstract resign(): Promise<void>;

  /**
   * Leaves the election until {@link enter}. Resolves when this instance's
   * entry is gone; without a connection to ZooKeeper at once, and the entry is
   * removed as soon as there is one. Waits for two session timeouts at most;
   * never rejects.
   */
  abstract withdraw(): Promise<void>;

  /** Takes part again after {@link withdraw}; does nothing if it does. */
  abstract enter(): void;

  /**
   * Makes a function that does what `fn` does on the leader, and nothing
   * elsewhere: `@OnlyLeader()` for jobs that are made while the application
   * runs. Called again with the same option `task`, it takes the place of the
   * former one, which then does nothing any more. Without that option it is no
   * task that could be listed or run by its name, and has no ledger.
   *
   * @throws {TypeError} for an option that is not valid, for a ledger without
   * the option `task`, and for the name of a decorated task
   *
   * @example
   * ```ts
   * const job = new CronJob(
   *   '0 2 * * *',
   *   election.onlyLeader(() => report.send(), { task: 'report', ledger: true }),
   * );
   * schedulerRegistry.addCronJob('report', job);
   * job.start();
   * ```
   */
  abstract onlyLeader<Args extends unknown[], Result>(
    fn: (...args: Args) => Result,
    options?: OnlyLeaderOptions,
  ): OnlyLeaderFunction<Args, Result>;
}
