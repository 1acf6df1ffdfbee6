import { Inject, Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { GuardFunction } from '../election/managed-election.js';
import { LeaderElections } from '../election/leader-elections.js';
import { OwnWork } from '../foreign-leader/own-work.js';
import type { AuditedAction } from '../operations/audit-log.js';
import { audited } from '../operations/audited.js';
import { Partitions } from '../partitions/partitions.js';
import { OptionChecks } from '../validate.js';
import { RESOLVED_OPTIONS } from '../zookeeper-leader.constants.js';
import { sharedObjectMessage } from '../zookeeper-leader.messages.js';
import type { ResolvedOptions } from '../zookeeper-leader.options.js';
import { LeaderTaskError } from './leader-task.error.js';
import type {
  LeaderTaskInfo,
  LeaderTaskRun,
  RequestedRun,
  TaskPause,
} from './leader-task-info.interface.js';
import { pauseOf, runsOf } from './ledger/ledger.js';
import type { Nodes } from '../session/nodes.js';
import { LedgerStore } from './ledger/ledger-store.js';
import {
  TASK_GUARDS,
  type AnyMethod,
  type Guarded,
  type TaskDefinition,
  type TaskGuard,
} from './only-leader.decorator.js';
import { requestRun } from './requests/request-run.js';
import { Schedules } from './schedule/schedules.js';
import type { LeaderTaskEvent, RunActivator } from './task-events.js';
import { TaskFactory } from './task-factory.js';
import { pauseTask, resumeTask } from './ledger/task-pauses.js';
import { TaskSet } from './task-set.js';

/** Injection token of where the tasks are kept. */
export const TASK_NODES = Symbol('nestjs-zookeeper-leader:task-nodes');

/**
 * Options of {@link LeaderTasks.pause}.
 *
 * @publicApi
 */
export interface PauseTaskOptions {
  /** Why, for the people who look at it. At most 300 characters are kept. */
  readonly reason?: string;
  /** Who pauses it. Default: the id of this instance. */
  readonly by?: string;
}

/**
 * Options of {@link LeaderTasks.resume}.
 *
 * @publicApi
 */
export interface ResumeTaskOptions {
  /**
   * True: ticks that passed during the pause count as missed, and the option
   * `missedTicks` says what is done about them. Default false: they are left out.
   */
  readonly catchUp?: boolean;
  /** Who resumes it, for the audit. Default: the id of this instance. */
  readonly by?: string;
}

/**
 * Options of {@link LeaderTasks.runOnLeader}.
 *
 * @publicApi
 */
export interface RunOnLeaderOptions {
  /**
   * True: runs also while the task is paused, while its job is switched off, and
   * beside a run that goes on. Default false.
   */
  readonly force?: boolean;
  /**
   * Who asks, for history, events and the audit. Default: the id of this
   * instance, and no entry in the audit.
   */
  readonly by?: string;
  /** Stops waiting when it aborts; a run that has begun goes on. */
  readonly signal?: AbortSignal;
}

/**
 * The leader tasks of the application: what they are, what happens to them, and
 * what their ledgers remember; and what a person may want to do about them.
 *
 * @example
 * ```ts
 * constructor(private readonly tasks: LeaderTasks) {
 *   tasks.events$.subscribe((event) => {
 *     if (event.type === 'failed') alert(event.task, event.error);
 *   });
 * }
 * ```
 *
 * @publicApi
 */
@Injectable()
export class LeaderTasks {
  readonly #elections: LeaderElections;
  readonly #tasks: TaskSet;
  readonly #factory: TaskFactory;

  /**
   * What happens to the tasks in this instance. Emits from the subscription on,
   * in the turn in which it happens; completes at shutdown, never errors. By
   * RxJS's rule, a listener that throws ends the process.
   */
  readonly events$: Observable<LeaderTaskEvent>;

  /**
   * Names of tasks that have been disposed of, each when its last run has ended.
   *
   * @internal
   */
  readonly forgotten$: Observable<string>;

  /** @internal */
  constructor(
    elections: LeaderElections,
    schedules: Schedules,
    @Inject(TASK_NODES) nodes: Nodes,
    @Inject(RESOLVED_OPTIONS)
    options: Pick<ResolvedOptions, 'drainTimeoutMs' | 'ledger'>,
    partitions: Partitions,
  ) {
    const tasks = new TaskSet(
      nodes,
      elections.instanceId,
      schedules,
      options.drainTimeoutMs,
    );
    this.#elections = elections;
    this.#tasks = tasks;
    const work = new OwnWork(elections, (election) => tasks.namesIn(election));
    this.#factory = new TaskFactory(
      tasks,
      elections,
      schedules,
      partitions,
      options.ledger,
      work,
    );
    this.events$ = tasks.events.events$;
    this.forgotten$ = tasks.forgotten$;
    elections.addDrain((election) => tasks.endTerm(election));
    elections.useTasks(
      ((election, fn, taskOptions) =>
        this.#factory.ofFunction(
          election,
          fn as AnyMethod,
          taskOptions,
        )) as GuardFunction,
      work,
    );
  }

  /** The tasks of this application, in the order of their names. */
  list(): LeaderTaskInfo[] {
    return [...this.#tasks.byName.values()]
      .map((task) => task.info())
      .toSorted((a, b) => (a.task < b.task ? -1 : 1));
  }

  /**
   * Number of runs that go on in this instance, by task: what a metric needs of
   * {@link list}, which also computes the next ticks.
   *
   * @internal
   */
  running(): [task: string, running: number][] {
    return [...this.#tasks.byName].map(([name, task]) => [name, task.running]);
  }

  /**
   * The last runs of a task in all instances, the newest first, as its ledger
   * in ZooKeeper has them (`standalone`: those of this process).
   *
   * @throws {LeaderTaskError} (rejects) `UNKNOWN_TASK`, `NO_LEDGER`,
   * `LEDGER_CORRUPT`
   * @throws {ZookeeperError} (rejects) when ZooKeeper cannot be reached
   *
   * @example
   * ```ts
   * const [last] = await this.tasks.history('invoices');
   * ```
   */
  async history(task: string): Promise<LeaderTaskRun[]> {
    if (!this.#tasks.get(task).hasLedger) {
      throw new LeaderTaskError(
        'NO_LEDGER',
        `The leader task "${task}" has no run ledger. Give it one: ` +
          '@OnlyLeader({ ledger: true }), or the option ledger of the module.',
      );
    }
    const ledger = await new LedgerStore(this.nodes, task).read();
    return ledger ? runsOf(ledger) : [];
  }

  /**
   * Runs a task here and now, also on a follower. It ignores the task's overlap,
   * pause and schedule, and writes nothing to its ledger: use it only when you
   * know that no other instance runs the task. Resolves to the method's result, rejects with its error.
   *
   * @throws {LeaderTaskError} (rejects) `UNKNOWN_TASK`; `CLOSED` when the
   * application is closing
   *
   * @example
   * ```ts
   * await this.tasks.runHere('cache.warm');
   * ```
   */
  async runHere(task: string, ...args: unknown[]): Promise<unknown> {
    const found = this.#tasks.get(task);
    this.#refuseClosed(task);
    return found.runHere(args);
  }

  /**
   * Asks the leader to run a task now, from any instance, and resolves to what
   * became of it when the run has ended. It runs at most once. The run has no tick;
   * the ledger, if there is one, remembers it with the one who asked.
   *
   * Nothing runs while the task is paused, while its job is switched off, or while a
   * run goes on that may not be overlapped, unless `force` says so: then the
   * outcome is `skipped`.
   *
   * @throws {LeaderTaskError} (rejects) `UNKNOWN_TASK`; `NO_LEADER` if nobody
   * leads; `NO_PERMISSION` if ZooKeeper does not let this instance ask;
   * `NO_ANSWER` if no leader takes the request within 30 seconds, or the leader
   * that took it is gone; `CLOSED` when the application is closing
   * @throws {ZookeeperError} (rejects) when ZooKeeper cannot be reached
   * @throws {TypeError} (rejects) if `by` is no name of 1 to 200 characters
   *
   * @example
   * ```ts
   * const { outcome } = await this.tasks.runOnLeader('invoices', { by: user.name });
   * ```
   */
  async runOnLeader(
    task: string,
    options: RunOnLeaderOptions = {},
  ): Promise<RequestedRun> {
    const { by } = options;
    // What a program asks for by itself would push out what people have done.
    return by === undefined
      ? this.requestRun(task, options)
      : this.#audited('run-task', task, this.#nameOf(by), async () => {
          const result = await this.requestRun(task, options);
          return {
            outcome: `${result.outcome} on ${result.instanceId}`,
            result,
          };
        });
  }

  /**
   * {@link runOnLeader} without an entry in the audit.
   *
   * @internal
   */
  async requestRun(
    task: string,
    { force = false, by, signal }: RunOnLeaderOptions = {},
  ): Promise<RequestedRun> {
    const { election } = this.#tasks.get(task);
    this.#refuseClosed(task);
    return requestRun({
      nodes: this.nodes,
      task,
      requestedBy: this.#nameOf(by),
      isForced: force,
      signal: AbortSignal.any([
        this.#tasks.closing,
        ...(signal ? [signal] : []),
      ]),
      leaderToken: async () => {
        const [first] = await election.participants();
        return first?.leaderSince && first.fencingToken;
      },
    });
  }

  /**
   * Pauses a task in the whole cluster, until somebody resumes it: it survives
   * restarts and changes of the leader. Calls are then skipped with the reason
   * `paused`; a run that goes on is not interrupted. A task with a ledger runs
   * nothing after this has resolved. A task without one may still run until the
   * leader has heard of it, within milliseconds while it is connected.
   *
   * The name of a task with partitions pauses them all, one write for each;
   * `mailboxes[3]` pauses one.
   *
   * Resolves to the pause; to the former one if the task was paused already.
   *
   * @throws {LeaderTaskError} (rejects) `UNKNOWN_TASK`, `LEDGER_CORRUPT`
   * @throws {ZookeeperError} (rejects) when ZooKeeper cannot be reached
   * @throws {TypeError} (rejects) if `by` is no name of 1 to 200 characters
   *
   * @example
   * ```ts
   * await this.tasks.pause('invoices', { reason: 'double charges', by: 'anna' });
   * ```
   */
  async pause(
    task: string,
    { reason, by }: PauseTaskOptions = {},
  ): Promise<TaskPause> {
    const names = this.#tasks.namesOf(task);
    const name = this.#nameOf(by);
    return this.#audited('pause-task', task, name, async () => {
      const pauses = await Promise.all(
        names.map((each) => pauseTask(this.nodes, each, { by: name, reason })),
      );
      const pause = pauses[0] as TaskPause;
      return { outcome: `paused by ${pause.by}`, result: pause };
    });
  }

  /**
   * Ends a pause. Resolves to whether the task was paused, or one of its partitions.
   *
   * @throws {LeaderTaskError} (rejects) `UNKNOWN_TASK`, `LEDGER_CORRUPT`
   * @throws {ZookeeperError} (rejects) when ZooKeeper cannot be reached
   * @throws {TypeError} (rejects) if `by` is no name of 1 to 200 characters
   *
   * @example
   * ```ts
   * await this.tasks.resume('invoices', { catchUp: true });
   * ```
   */
  async resume(
    task: string,
    { catchUp = false, by }: ResumeTaskOptions = {},
  ): Promise<boolean> {
    const names = this.#tasks.namesOf(task);
    return this.#audited('resume-task', task, this.#nameOf(by), async () => {
      const resumed = await Promise.all(
        names.map((each) => resumeTask(this.nodes, each, catchUp)),
      );
      const wasPaused = resumed.includes(true);
      return {
        outcome: wasPaused ? 'resumed' : 'was not paused',
        result: wasPaused,
      };
    });
  }

  /**
   * The pause of a task as ZooKeeper has it; undefined if it is not paused.
   *
   * @throws {LeaderTaskError} (rejects) `UNKNOWN_TASK`, `LEDGER_CORRUPT`
   * @throws {ZookeeperError} (rejects) when ZooKeeper cannot be reached
   */
  async pauseOf(task: string): Promise<TaskPause | undefined> {
    this.#tasks.get(task);
    const ledger = await new LedgerStore(this.nodes, task).read();
    return ledger && pauseOf(ledger);
  }

  /**
   * Has the methods of runs called by `activate`; undefined ends that.
   *
   * @internal
   */
  activateRuns(activate: RunActivator | undefined): void {
    this.#tasks.events.activate = activate;
  }

  /**
   * The ticks of a task after `afterMs` and up to `untilMs`, `most` at most;
   * none for a task without a schedule.
   *
   * @internal
   */
  ticksBetween(
    task: string,
    afterMs: number,
    untilMs: number,
    most: number,
  ): number[] {
    const schedule = this.#tasks.byName.get(task)?.schedule.ticks();
    const ticks: number[] = [];
    let tick = schedule?.next(afterMs);
    while (tick !== undefined && tick <= untilMs && ticks.length < most) {
      ticks.push(tick);
      tick = schedule?.next(tick);
    }
    return ticks;
  }

  /**
   * Makes the decorated methods of `instance` work.
   *
   * @internal
   */
  guard(instance: object, definitions: readonly TaskDefinition[]): void {
    refuseShared(instance);
    const guards: TaskGuard[] = [];
    const byMethod = new Map<string | symbol, TaskGuard>();
    for (const definition of definitions) {
      const { id, key } = definition;
      // A method that is overridden is part of the task of the one that does.
      const task =
        byMethod.get(key) ?? this.#factory.ofMethod(instance, definition);
      guards[id] = task;
      byMethod.set(key, task);
    }
    Object.defineProperty(instance, TASK_GUARDS, {
      value: guards,
      configurable: true,
    });
  }

  /**
   * The application has started: its scheduler has made its jobs.
   *
   * @internal
   */
  started(): void {
    this.#tasks.started();
  }

  /**
   * Refuses new runs, and waits for all that go on, within the bound.
   *
   * @internal
   */
  close(): Promise<void> {
    return this.#tasks.close();
  }

  /**
   * Nothing happens any more.
   *
   * @internal
   */
  end(): void {
    this.#tasks.end();
  }

  #refuseClosed(task: string): void {
    if (this.#tasks.isClosing) {
      throw new LeaderTaskError(
        'CLOSED',
        `The leader task "${task}" is not run: the application is closing`,
      );
    }
  }

  /** Where the tasks are kept. @internal */
  get nodes(): Nodes {
    return this.#tasks.nodes;
  }

  #audited<Result>(
    action: AuditedAction,
    target: string,
    by: string,
    work: () => Promise<{ outcome: string; result: Result }>,
  ): Promise<Result> {
    const from = `the application on ${this.#elections.instanceId}`;
    return audited(
      this.#elections.session,
      { action, target, by, from },
      work,
      this.#tasks.logger,
    );
  }

  #nameOf(by: string | undefined): string {
    return by === undefined
      ? this.#elections.instanceId
      : new OptionChecks('LeaderTasks').name('by', by);
  }
}

function refuseShared(instance: object): void {
  const guards = (instance as Guarded)[TASK_GUARDS];
  if (guards?.some((guard) => guard && !guard.isOver)) {
    throw new TypeError(sharedObjectMessage(instance.constructor.name));
  }
}
