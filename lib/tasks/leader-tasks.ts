import { Logger } from '@nestjs/common';
import { distinctUntilChanged, map, type Observable } from 'rxjs';
import { LeadershipLostError } from '../election/election.error.js';
import type { GuardFunction } from '../election/guard-function.js';
import type {
  LeaderElections,
  ManagedElection,
} from '../election/leader-elections.js';
import { settledWithin } from '../within.js';
import { LOG_CONTEXT } from '../zookeeper-leader.constants.js';
import { sharedObjectMessage } from '../zookeeper-leader.messages.js';
import { LeaderTask } from './leader-task.js';
import { LeaderTaskError } from './leader-task.error.js';
import type { LeaderTaskEvent } from './leader-task-event.interface.js';
import type {
  LeaderTaskInfo,
  LeaderTaskRun,
} from './leader-task-info.interface.js';
import type { OnlyLeaderOptions } from './leader-task-options.interface.js';
import { runsOf } from './ledger/ledger-document.js';
import { RunLedgers } from './ledger/run-ledgers.js';
import { PlainGuard } from './plain-guard.js';
import type { ScheduleFinder } from './schedule/schedule-finder.js';
import {
  TASK_GUARDS,
  type AnyMethod,
  type TaskDefinition,
} from './task-definition.js';
import { TaskEvents } from './task-events.js';
import { TaskFactory } from './task-factory.js';
import type { TaskGuard } from './task-guard.interface.js';
import type { ResolvedLedgerOptions } from './task-options.js';
import { TaskRegister } from './task-register.js';

/** What {@link LeaderTasks} needs of the application. */
export interface LeaderTasksSettings {
  readonly elections: LeaderElections;
  readonly schedules: ScheduleFinder;
  readonly drainTimeoutMs: number;
  /** Ledger of scheduled tasks that do not say themselves. */
  readonly ledger: ResolvedLedgerOptions | false;
}

/**
 * The leader tasks of the application: what they are, what happens to them, and
 * what their ledgers remember.
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
export class LeaderTasks {
  readonly #drainTimeoutMs: number;
  readonly #register = new TaskRegister();
  readonly #events = new TaskEvents();
  readonly #ledgers: RunLedgers;
  readonly #factory: TaskFactory;
  readonly #followed = new Set<ManagedElection>();
  readonly #closing = new AbortController();
  /** Runs that a hand-over has waited for in vain. */
  readonly #givenUp = new WeakSet<Promise<unknown>>();

  /**
   * What happens to the tasks in this instance. Emits from the subscription on,
   * in the turn in which it happens; completes at shutdown, never errors.
   */
  readonly events$: Observable<LeaderTaskEvent> = this.#events.events$;

  /** @internal */
  constructor(settings: LeaderTasksSettings) {
    const { elections, drainTimeoutMs } = settings;
    this.#drainTimeoutMs = drainTimeoutMs;
    this.#ledgers = new RunLedgers(elections);
    this.#factory = new TaskFactory({
      ...settings,
      register: this.#register,
      events: this.#events,
      ledgers: this.#ledgers,
      logger: new Logger(LOG_CONTEXT),
      closing: this.#closing.signal,
    });
    elections.addDrain((election) => this.#endTerm(election));
    elections.useTasks(((election, fn, options) =>
      this.#guardFunction(
        election,
        fn as AnyMethod,
        options,
      )) as GuardFunction);
  }

  /** The tasks of this application, in the order of their names. */
  list(): LeaderTaskInfo[] {
    return this.#register.all
      .map((task) => task.info())
      .toSorted((a, b) => (a.task < b.task ? -1 : 1));
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
   * const [last] = await this.tasks.history('Invoices.send');
   * ```
   */
  async history(task: string): Promise<LeaderTaskRun[]> {
    if (!this.#register.find(task).timetable) {
      throw new LeaderTaskError(
        'NO_LEDGER',
        `The leader task "${task}" has no run ledger. Give it one: ` +
          '@OnlyLeader({ ledger: true }), or the option ledger of the module.',
      );
    }
    const ledger = await this.#ledgers.of(task).read();
    return ledger ? runsOf(ledger) : [];
  }

  /**
   * Runs a task here and now, whoever leads, whatever its overlap and schedule,
   * and without an entry in its ledger: the way around the guard for a person
   * who knows. Resolves to the method's result, rejects with its error.
   *
   * @throws {LeaderTaskError} (rejects) `UNKNOWN_TASK`; `CLOSED` when the
   * application is closing
   *
   * @example
   * ```ts
   * @Post('invoices/send')
   * send() {
   *   return this.tasks.run('Invoices.send');
   * }
   * ```
   */
  async run(task: string, ...args: unknown[]): Promise<unknown> {
    const found = this.#register.find(task);
    if (this.#register.isClosing) {
      throw new LeaderTaskError(
        'CLOSED',
        `The leader task "${task}" is not run: the application is closing`,
      );
    }
    return found.runManually(args);
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
    const schedule = this.#register.get(task)?.schedule?.find();
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
    const byMethod = new Map<string | symbol, LeaderTask>();
    for (const definition of definitions) {
      const { id, key } = definition;
      const overriding = byMethod.get(key);
      if (overriding) {
        // Part of the task that overrides it, reached through `super`.
        const election = this.#factory.electionOf(instance, definition);
        guards[id] = new PlainGuard(election, overriding.task);
      } else {
        const task = this.#factory.ofMethod(instance, definition);
        byMethod.set(key, task);
        guards[id] = task;
        this.#begin(task);
      }
    }
    Object.defineProperty(instance, TASK_GUARDS, {
      value: guards,
      configurable: true,
    });
  }

  /**
   * Refuses new runs, tells those that no term ends, and waits for all that go
   * on, within the bound.
   *
   * @internal
   */
  async close(): Promise<void> {
    this.#register.isClosing = true;
    for (const task of this.#register.all) {
      task.timetable?.stop();
    }
    for (const runner of this.#register.active) {
      runner.abortManualRuns(
        new LeadershipLostError(runner.electionName, 'shutdown'),
      );
    }
    await settledWithin(this.#ongoing(), this.#drainTimeoutMs);
  }

  /**
   * Nothing happens any more.
   *
   * @internal
   */
  end(): void {
    this.#closing.abort();
    this.#events.complete();
  }

  #guardFunction(
    election: ManagedElection,
    fn: AnyMethod,
    options: OnlyLeaderOptions,
  ): AnyMethod {
    const { task, guarded } = this.#factory.ofFunction(election, fn, options);
    this.#begin(task);
    return guarded;
  }

  #begin({ election, timetable }: LeaderTask): void {
    this.#follow(election);
    if (election.leadership.role === 'leader') {
      void timetable?.catchUp();
    }
  }

  /** Tells the tasks of an election when a term begins and ends. */
  #follow(election: ManagedElection): void {
    if (this.#followed.has(election)) {
      return;
    }
    this.#followed.add(election);
    const term$ = election.leadership$.pipe(
      map((leadership) =>
        leadership.role === 'leader' ? leadership.term : undefined,
      ),
      distinctUntilChanged(),
    );
    term$.subscribe((term) => {
      for (const runner of ofElection(this.#register.active, election.name)) {
        runner.termEnded();
      }
      if (term && !this.#register.isClosing) {
        for (const task of ofElection(this.#register.all, election.name)) {
          void task.timetable?.catchUp();
        }
      }
    });
  }

  /**
   * Waits for the runs of a term that has ended, for each once, and for claims
   * under way: one that has come too late has to be given back before another
   * instance leads.
   */
  async #endTerm(election: string): Promise<void> {
    const tasks = ofElection(this.#register.all, election);
    const decided = tasks.map(({ timetable }) => timetable?.decided);
    const runs = this.#ongoing(election).filter(
      (run) => !this.#givenUp.has(run),
    );
    const ended = [...runs, ...decided.filter((each) => each !== undefined)];
    if (!(await settledWithin(ended, this.#drainTimeoutMs))) {
      for (const run of runs) {
        this.#givenUp.add(run);
      }
    }
  }

  #ongoing(election?: string): Promise<unknown>[] {
    const runners = ofElection(this.#register.active, election);
    return runners.flatMap(({ ongoing }) => ongoing);
  }
}

function ofElection<T extends { readonly electionName: string }>(
  all: Iterable<T>,
  election: string | undefined,
): T[] {
  return [...all].filter(
    ({ electionName }) => election === undefined || electionName === election,
  );
}

function refuseShared(instance: object): void {
  const guards = (instance as { [TASK_GUARDS]?: TaskGuard[] })[TASK_GUARDS];
  if (
    guards?.some(
      (guard) => guard instanceof LeaderTask && guard.refusal === undefined,
    )
  ) {
    throw new TypeError(sharedObjectMessage(instance.constructor.name));
  }
}
