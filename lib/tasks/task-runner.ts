import type { ManagedElection } from '../election/leader-elections.js';
import { taskStorage } from './current-leader-task.js';
import { isPromise } from './is-promise.js';
import { pause } from './pause.js';
import { PlacedList, type Placed } from './placed-list.js';
import type { AnyMethod } from './task-definition.js';
import type { ResolvedTaskOptions } from './task-options.js';
import type { TaskRegister } from './task-register.js';
import type { TaskReporter } from './task-reporter.js';
import type { RunOutcome, TaskRun } from './task-run.js';

export interface TaskRunnerSettings {
  readonly election: ManagedElection;
  readonly retry: ResolvedTaskOptions['retry'];
  readonly reporter: TaskReporter;
  readonly register: TaskRegister;
  /** How long an aborted run may go on. */
  readonly graceMs: number;
  /** Whether new tries are refused. */
  readonly isRefused: () => boolean;
  /** Records the end of a run; undefined if there is nothing to record it in. */
  readonly record:
    | ((
        run: TaskRun,
        outcome: RunOutcome,
        error: unknown,
      ) => Promise<void> | undefined)
    | undefined;
}

const ONE_TRY = { attempts: 1, backoffMs: 0 };

/** A run that goes on after the call that made it. */
interface OngoingRun extends Placed {
  readonly run: TaskRun;
  /** Its end, that of its record included. */
  readonly ended: Promise<unknown>;
  /** Set when the end of the term has been reported. */
  isAbortReported: boolean;
}

/** Runs the method of a task, and knows which runs go on. */
export class TaskRunner {
  readonly electionName: string;
  readonly #settings: TaskRunnerSettings;
  readonly #reporter: TaskReporter;
  readonly #ongoing = new PlacedList<OngoingRun>();
  /** Among the runners with runs. */
  place = 0;

  constructor(settings: TaskRunnerSettings) {
    this.#settings = settings;
    this.#reporter = settings.reporter;
    this.electionName = settings.election.name;
  }

  /** Number of runs that go on. */
  get running(): number {
    return this.#ongoing.size;
  }

  /** Resolve when what goes on now has ended. */
  get ongoing(): Promise<unknown>[] {
    return [...this.#ongoing].map(({ ended }) => ended);
  }

  /** Runs the method, with all its retries, and tells of it. */
  perform(
    run: TaskRun,
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
  ): unknown {
    let result: unknown;
    try {
      // What is recorded must not end before its record has been written, and
      // not before a promise of whatever kind has settled.
      result =
        this.#settings.retry || this.#settings.record
          ? this.#try(run, method, target, args)
          : this.#apply(run, method, target, args);
    } catch (error) {
      void this.#failed(run, error);
      throw error;
    }
    if (isPromise(result)) {
      this.#follow(run, result);
    } else {
      void this.#finished(run);
    }
    return result;
  }

  /** Tells runs without a term, which nothing else ends, that it is over. */
  abortManualRuns(reason: Error): void {
    for (const { run } of this.#ongoing) {
      if (!run.term) {
        run.abort(reason);
      }
    }
  }

  /** Reports runs whose term has ended, and once more if they do not end. */
  termEnded(): void {
    const { graceMs } = this.#settings;
    for (const ongoing of this.#ongoing) {
      const { run } = ongoing;
      if (run.isAborted && !ongoing.isAbortReported && run.term) {
        ongoing.isAbortReported = true;
        this.#reporter.aborted(run);
        setTimeout(() => {
          if (this.#ongoing.has(ongoing)) {
            this.#reporter.overran(run, graceMs);
          }
        }, graceMs).unref();
      }
    }
  }

  #apply(
    run: TaskRun,
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
  ): unknown {
    this.#reporter.started(run);
    return taskStorage.run(run, Reflect.apply, method, target, args);
  }

  async #try(
    run: TaskRun,
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
  ): Promise<unknown> {
    const { attempts, backoffMs } = this.#settings.retry ?? ONE_TRY;
    for (let tried = 1; ; tried++) {
      try {
        return await this.#apply(run, method, target, args);
      } catch (error) {
        if (tried >= attempts || !this.#mayRetry(run)) {
          throw error;
        }
        this.#reporter.failed(run, error, true);
        await pause(backoffMs * 2 ** (tried - 1), run.signal);
        if (
          !this.#mayRetry(run) ||
          !(await this.#settings.election.revalidate())
        ) {
          throw error;
        }
        run.attempt += 1;
      }
    }
  }

  #mayRetry(run: TaskRun): boolean {
    return !run.isAborted && !this.#settings.isRefused();
  }

  #follow(run: TaskRun, result: Promise<unknown>): void {
    this.#settings.register.active.add(this);
    const ongoing: OngoingRun = {
      run,
      place: 0,
      isAbortReported: false,
      ended: result.then(
        () => this.#forget(ongoing, this.#finished(run)),
        (error: unknown) => this.#forget(ongoing, this.#failed(run, error)),
      ),
    };
    this.#ongoing.add(ongoing);
  }

  #finished(run: TaskRun): Promise<void> | undefined {
    run.end();
    this.#reporter.finished(run);
    return this.#settings.record?.(run, 'finished', undefined);
  }

  #failed(run: TaskRun, error: unknown): Promise<void> | undefined {
    run.end();
    this.#reporter.failed(run, error, false);
    const outcome = run.isAborted ? 'aborted' : 'failed';
    return this.#settings.record?.(run, outcome, error);
  }

  /** When the end of the run is recorded, which never fails. */
  #forget(
    ongoing: OngoingRun,
    recorded: Promise<void> | undefined,
  ): Promise<void> | undefined {
    if (recorded) {
      return recorded.then(() => void this.#forget(ongoing, undefined));
    }
    this.#ongoing.delete(ongoing);
    if (this.#ongoing.size === 0) {
      this.#settings.register.active.delete(this);
    }
    return undefined;
  }
}
