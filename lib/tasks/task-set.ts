import { distinctUntilChanged, map, Subject, type Observable } from 'rxjs';
import { LibraryLogger } from '../library-logger.js';
import { LeadershipLostError } from '../election/election.error.js';
import type { TaskElection } from '../election/managed-election.js';
import { partitionName } from '../partitions/partition.js';
import type { Nodes } from '../session/nodes.js';
import { nextTurn, settledWithin } from '../within.js';
import { idleSchedulesMessage } from '../zookeeper-leader.messages.js';
import type { LeaderTask, TaskHost } from './leader-task.js';
import type { OwnRun } from './ledger/catch-up-rules.js';
import { LeaderTaskError } from './leader-task.error.js';
import { TaskPauses } from './ledger/task-pauses.js';
import { RunRequests } from './requests/run-requests.js';
import type { Schedules } from './schedule/schedules.js';
import { TaskEvents } from './task-events.js';
import type { TaskRun } from './task-run.js';

/** How often jobs are looked at: were they started, have they called? */
const LOOK_AT_JOBS_MS = 250;
/** How long the event loop is used in one go for many tasks. */
const SLICE_MS = 1;

/**
 * The tasks of an application, and what happens to all of them: terms begin and end,
 * jobs are started, the application closes.
 */
export class TaskSet implements TaskHost {
  readonly byName = new Map<string, LeaderTask>();
  readonly events = new TaskEvents();
  readonly logger = new LibraryLogger();
  readonly nodes: Nodes;
  readonly graceMs: number;
  readonly closing: AbortSignal;
  readonly pauses: TaskPauses;
  /** A plain value: an accessor would double what a guarded call costs. */
  isClosing = false;
  /** Names of tasks that are no more. */
  readonly #forgotten = new Subject<string>();
  readonly forgotten$: Observable<string> = this.#forgotten.asObservable();
  /** Those that have runs, also without a name or after their end. */
  readonly #running = new Set<LeaderTask>();
  /** By task: what is left of one that has been disposed of is not forgotten. */
  readonly #ownRuns = new Map<string, Map<string, OwnRun>>();
  readonly #schedules: Schedules;
  readonly #requests: RunRequests;
  readonly #close = new AbortController();
  readonly #followed = new Set<TaskElection>();
  /** Runs that a hand-over has waited for in vain. */
  readonly #givenUp = new WeakSet<TaskRun>();
  #isStarted = false;
  #jobTimer: NodeJS.Timeout | undefined;
  #isIdleScheduleReported = false;

  /** @param graceMs how long a run may go on after its signal has aborted */
  constructor(
    nodes: Nodes,
    instanceId: string,
    schedules: Schedules,
    graceMs: number,
  ) {
    this.nodes = nodes;
    this.graceMs = graceMs;
    this.closing = this.#close.signal;
    this.#schedules = schedules;
    this.pauses = new TaskPauses(nodes, this.byName, this.logger);
    this.#requests = new RunRequests(this, instanceId);
  }

  /**
   * @throws {LeaderTaskError} `UNKNOWN_TASK`
   */
  get(name: string): LeaderTask {
    const task = this.byName.get(name);
    if (task) {
      return task;
    }
    const [first] = this.#partitionsOf(name);
    const known = [...this.byName.keys()].map((each) => `"${each}"`);
    throw new LeaderTaskError(
      'UNKNOWN_TASK',
      first === undefined
        ? `This application has no leader task "${name}"; it has ` +
            (known.join(', ') || 'none')
        : `The leader task "${name}" has partitions. Name one of them, as in "${first}"`,
    );
  }

  /**
   * The name of a task, or those of all partitions of a task.
   *
   * @throws {LeaderTaskError} `UNKNOWN_TASK`
   */
  namesOf(name: string): string[] {
    const partitions = this.#partitionsOf(name);
    return partitions.length > 0 ? partitions : [this.get(name).task];
  }

  #partitionsOf(name: string): string[] {
    return [...this.byName.values()].flatMap(({ task, partition }) =>
      partition && task === partitionName(name, partition.partition)
        ? [task]
        : [],
    );
  }

  /**
   * There is a new task.
   *
   * @param isNamed whether it is found by its name; it takes the place of another one
   */
  add(task: LeaderTask, isNamed = true): void {
    if (isNamed) {
      this.byName.get(task.task)?.dispose();
      this.byName.set(task.task, task);
      task.formers = [...this.#running].filter(
        (each) => each.task === task.task,
      );
    }
    this.#follow(task.election);
    if (leads(task.election)) {
      this.#lookAround();
      if (isNamed) {
        this.#requests.watch.look();
      }
      if (!task.hasLedger && isNamed) {
        this.pauses.look();
      }
      task.termBegan();
      task.look();
    }
  }

  /**
   * Ends the task of a function. What goes on is not interrupted; the name is
   * forgotten after it, unless another task has it by then.
   */
  dispose(task: LeaderTask): void {
    const name = task.task;
    task.dispose();
    if (this.byName.get(name) !== task) {
      return;
    }
    this.byName.delete(name);
    void task.whenQuiet(new WeakSet()).then(() => {
      if (!this.byName.has(name)) {
        if (this.#ownRuns.get(name)?.size === 0) {
          this.#ownRuns.delete(name);
        }
        this.#forgotten.next(name);
      }
    });
  }

  runsChanged(task: LeaderTask): void {
    if (task.running > 0) {
      this.#running.add(task);
      return;
    }
    this.#running.delete(task);
    const latter = this.byName.get(task.task);
    if (latter !== task) {
      latter?.runsLeft();
    }
  }

  ownRunsOf(task: string): Map<string, OwnRun> {
    const runs = this.#ownRuns.get(task) ?? new Map<string, OwnRun>();
    this.#ownRuns.set(task, runs);
    return runs;
  }

  /** What the leader of an election has to do: partitions have owners instead. */
  namesIn(election: string): string[] {
    return [...this.byName.values()].flatMap((task) =>
      task.election.name === election && !task.partition ? [task.task] : [],
    );
  }

  /** The application has started: its scheduler has made its jobs. */
  started(): void {
    this.#isStarted = true;
    // Jobs are found and next ticks computed before somebody asks for a list.
    void this.#inSlices(this.byName.values(), (task) => task.info());
  }

  /**
   * Waits for the runs of a term that has ended, for each once, and for claims
   * under way: one that has come too late has to be given back before another
   * instance leads.
   */
  endTerm(election: string): Promise<void> {
    return this.#quiet(
      this.#all.filter((task) => task.election.name === election),
    );
  }

  /**
   * Refuses new runs, tells those that no term ends, and waits for all that go
   * on, within the bound.
   */
  async close(): Promise<void> {
    this.isClosing = true;
    for (const task of this.#all) {
      task.close();
      task.abortManualRuns(
        new LeadershipLostError(task.election.name, 'shutdown'),
      );
    }
    await this.#quiet(this.#all);
  }

  /** Nothing happens any more. */
  end(): void {
    this.#close.abort(
      new LeaderTaskError(
        'CLOSED',
        'The application closed before the leader answered, which may have run the task',
      ),
    );
    this.#stopLooking();
    this.events.complete();
    this.#forgotten.complete();
  }

  get #all(): LeaderTask[] {
    return [...new Set([...this.byName.values(), ...this.#running])];
  }

  /** Tells the tasks of an election when a term begins and ends. */
  #follow(election: TaskElection): void {
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
    term$.subscribe({
      next: (term) => {
        const tasks = this.#all.filter((task) => task.election === election);
        for (const task of tasks) {
          task.termEnded();
        }
        if (term && !this.isClosing) {
          this.#lookAround();
          this.#requests.watch.look();
          for (const task of tasks) {
            task.termBegan();
          }
          void this.#inSlices(tasks, (task) => task.look());
        } else if (![...this.#followed].some(leads)) {
          this.#stopLooking();
        }
      },
      complete: () => this.#followed.delete(election),
    });
  }

  /** While this instance leads: jobs, pauses and requests. */
  #lookAround(): void {
    if (this.byName.size === 0) {
      return;
    }
    this.pauses.start();
    this.#requests.watch.start();
    if (!this.#jobTimer) {
      this.#jobTimer = setInterval(() => this.#lookAtJobs(), LOOK_AT_JOBS_MS);
      this.#jobTimer.unref();
    }
  }

  #stopLooking(): void {
    this.pauses.stop();
    this.#requests.watch.stop();
    clearInterval(this.#jobTimer);
    this.#jobTimer = undefined;
  }

  #lookAtJobs(): void {
    void this.#inSlices(this.byName.values(), (task) => task.checkJob());
    this.#warnOfIdleSchedules();
  }

  /** A leader whose scheduler is switched off does nothing, in silence. */
  #warnOfIdleSchedules(): void {
    if (
      this.#isIdleScheduleReported ||
      !this.#isStarted ||
      !this.#schedules.hasScheduler
    ) {
      return;
    }
    this.#isIdleScheduleReported = true;
    const idle = [...this.byName.values()].filter(
      ({ schedule }) => schedule.hasJob === false,
    );
    if (idle.length > 0) {
      this.logger.warn(idleSchedulesMessage(idle.map(({ task }) => task)));
    }
  }

  /** Does the same for many tasks, without blocking the event loop for all of them. */
  async #inSlices(
    tasks: Iterable<LeaderTask>,
    work: (task: LeaderTask) => void,
  ): Promise<void> {
    let sliceBegan = performance.now();
    for (const task of tasks) {
      if (performance.now() - sliceBegan >= SLICE_MS) {
        await nextTurn();
        sliceBegan = performance.now();
      }
      if (this.isClosing) {
        return;
      }
      work(task);
    }
  }

  async #quiet(tasks: readonly LeaderTask[]): Promise<void> {
    const runs = tasks.flatMap(({ runs: each }) => each);
    const quiet = tasks.map((task) => task.whenQuiet(this.#givenUp));
    if (!(await settledWithin(quiet, this.graceMs))) {
      for (const run of runs) {
        this.#givenUp.add(run);
      }
    }
  }
}

function leads({ leadership }: TaskElection): boolean {
  return leadership.role === 'leader';
}
