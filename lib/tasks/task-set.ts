import { setImmediate } from 'node:timers/promises';
import type { Logger } from '@nestjs/common';
import { distinctUntilChanged, map, Subject, type Observable } from 'rxjs';
import { LeadershipLostError } from '../election/election.error.js';
import type { TaskElection } from '../election/leader-elections.js';
import { settledWithin } from '../within.js';
import { idleSchedulesMessage } from '../zookeeper-leader.messages.js';
import type { LeaderTask, TaskHost } from './leader-task.js';
import type { Nodes } from '../session/nodes.js';
import { RunRequests } from './requests/run-requests.js';
import type { Schedules } from './schedule/schedules.js';
import { TaskEvents } from './task-events.js';
import { TaskPauses } from './ledger/task-pauses.js';
import type { TaskRun } from './task-run.js';

export interface TaskSetSettings {
  readonly nodes: Nodes;
  readonly instanceId: string;
  readonly schedules: Schedules;
  /** How long a run may go on after its signal has aborted. */
  readonly drainTimeoutMs: number;
  /** Aborts when nothing is to be written any more. */
  readonly closing: AbortSignal;
  readonly logger: Logger;
}

/** How often jobs are looked at: were they started, have they called? */
const LOOK_AT_JOBS_MS = 250;
/** How long the event loop is used in one go for what is not urgent. */
const SLICE_MS = 1;

/**
 * The tasks of an application, and what happens to all of them: terms begin and end,
 * jobs are started, the application closes.
 */
export class TaskSet {
  readonly byName = new Map<string, LeaderTask>();
  readonly events = new TaskEvents();
  /** What the tasks share. */
  readonly host: TaskHost & { isClosing: boolean };
  /** Names of tasks that are no more. */
  readonly #forgotten = new Subject<string>();
  readonly forgotten$: Observable<string> = this.#forgotten.asObservable();
  /** Those without a name that have runs. */
  readonly #nameless = new Set<LeaderTask>();
  readonly #settings: TaskSetSettings;
  readonly #pauses: TaskPauses;
  readonly #requests: RunRequests;
  readonly #followed = new Set<TaskElection>();
  /** Runs that a hand-over has waited for in vain. */
  readonly #givenUp = new WeakSet<TaskRun>();
  #isStarted = false;
  #jobTimer: NodeJS.Timeout | undefined;
  #isIdleScheduleReported = false;

  constructor(settings: TaskSetSettings) {
    const { nodes, instanceId, closing, logger } = settings;
    this.#settings = settings;
    const pauses = new TaskPauses(nodes, () => this.byName.values(), logger);
    this.#pauses = pauses;
    this.#requests = new RunRequests(
      nodes,
      instanceId,
      (task) => this.byName.get(task),
      closing,
      logger,
    );
    // Plain values: accessors of an object would double what a guarded call costs.
    this.host = {
      isClosing: false,
      pauses,
      events: this.events,
      logger,
      graceMs: settings.drainTimeoutMs,
      runsChanged: (task) => {
        if (this.byName.get(task.task) === task || task.running === 0) {
          this.#nameless.delete(task);
        } else {
          this.#nameless.add(task);
        }
      },
      pauseFound: (task) => pauses.follow(task),
    };
  }

  /** There is a new task, by its name or without one. */
  begin(task: LeaderTask): void {
    this.#follow(task.election);
    if (leads(task.election)) {
      this.#lookAround();
      if (!task.hasLedger && this.byName.get(task.task) === task) {
        this.#pauses.look();
      }
      task.termBegan();
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
        this.#forgotten.next(name);
      }
    });
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
    void this.#prepareSchedules();
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
    this.host.isClosing = true;
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
    this.#stopLooking();
    this.events.complete();
    this.#forgotten.complete();
  }

  get #all(): LeaderTask[] {
    return [...this.byName.values(), ...this.#nameless];
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
        if (term && !this.host.isClosing) {
          this.#lookAround();
          this.#requests.look();
          for (const task of tasks) {
            task.termBegan();
          }
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
    this.#pauses.start();
    this.#requests.start();
    if (!this.#jobTimer) {
      this.#jobTimer = setInterval(() => this.#lookAtJobs(), LOOK_AT_JOBS_MS);
      this.#jobTimer.unref();
    }
  }

  #stopLooking(): void {
    this.#pauses.stop();
    this.#requests.stop();
    clearInterval(this.#jobTimer);
    this.#jobTimer = undefined;
  }

  #lookAtJobs(): void {
    for (const task of this.byName.values()) {
      task.checkJob();
    }
    this.#warnOfIdleSchedules();
  }

  /** A leader whose scheduler is switched off does nothing, in silence. */
  #warnOfIdleSchedules(): void {
    const { schedules, logger } = this.#settings;
    if (
      this.#isIdleScheduleReported ||
      !this.#isStarted ||
      !schedules.hasScheduler
    ) {
      return;
    }
    this.#isIdleScheduleReported = true;
    const idle = [...this.byName.values()].filter(
      ({ schedule }) => schedule.hasJob === false,
    );
    if (idle.length > 0) {
      logger.warn(idleSchedulesMessage(idle.map(({ task }) => task)));
    }
  }

  /**
   * Finds the jobs and computes their next ticks, in slices: the first list of tasks
   * would wait for all of them in one go.
   */
  async #prepareSchedules(): Promise<void> {
    let sliceBegan = -Infinity;
    for (const task of this.byName.values()) {
      if (performance.now() - sliceBegan >= SLICE_MS) {
        await setImmediate(undefined, { ref: false });
        sliceBegan = performance.now();
      }
      if (this.host.isClosing) {
        return;
      }
      task.info();
    }
  }

  async #quiet(tasks: readonly LeaderTask[]): Promise<void> {
    const runs = tasks.flatMap(({ runs: each }) => each);
    const quiet = tasks.map((task) => task.whenQuiet(this.#givenUp));
    if (!(await settledWithin(quiet, this.#settings.drainTimeoutMs))) {
      for (const run of runs) {
        this.#givenUp.add(run);
      }
    }
  }
}

function leads({ leadership }: TaskElection): boolean {
  return leadership.role === 'leader';
}
