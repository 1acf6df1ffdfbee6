import type { Logger } from '@nestjs/common';
import type { TaskElection } from '../election/leader-elections.js';
import type { ResolvedTaskOptions } from '../leader-task.options.js';
import { messageOf, stackOf } from '../message-of.js';
import { pause } from '../within.js';
import type { RequestedRun } from './leader-task-info.interface.js';
import { LeaderTaskError } from './leader-task.error.js';
import type { RunEnd } from './ledger.js';
import type { AnyMethod } from './only-leader.decorator.js';
import type { TaskReporter } from './task-events.js';
import { backoff } from './task-rules.js';
import { isPromise, runStorage, type TaskRun } from './task-run.js';

export interface TaskRunnerSettings {
  readonly task: string;
  readonly election: TaskElection;
  readonly options: Pick<ResolvedTaskOptions, 'retry' | 'timeLimitMs'>;
  /** Whether a ledger has to hear of the end of a run. */
  readonly hasLedger: boolean;
  readonly reporter: TaskReporter;
  readonly logger: Logger;
  /** How long a run may go on after its signal has aborted. */
  readonly graceMs: number;
  /** Calls the task as its scheduler does, through all decorators. */
  readonly invoke: (...args: unknown[]) => unknown;
  /** Whether new tries are refused. */
  readonly isRefused: () => boolean;
  /** A run is over; only what a ledger knows has to be recorded. */
  readonly onEnd: (run: TaskRun, end: RunEnd) => void;
  /** A run has begun, or does not go on any more. */
  readonly onChange: (left?: TaskRun) => void;
}

const ONE_TRY = { attempts: 1, backoffMs: 0, maxBackoffMs: 0, jitter: false };

/** Runs the method of a task, and knows which runs go on. */
export class TaskRunner {
  readonly #settings: TaskRunnerSettings;
  /** Whether a run is nothing but its method. */
  readonly #isPlain: boolean;
  readonly #live: TaskRun[] = [];
  /** Calls of the method that have not returned yet. */
  #calls = 0;

  constructor(settings: TaskRunnerSettings) {
    this.#settings = settings;
    const { options, hasLedger } = settings;
    this.#isPlain =
      !hasLedger && !options.retry && options.timeLimitMs === undefined;
  }

  /** Runs that go on, and those that are about to begin. */
  get live(): readonly TaskRun[] {
    return this.#live;
  }

  /** Whether the caller may be in a run: only then need it be looked for. */
  get isBusy(): boolean {
    return this.#calls > 0 || this.#live.length > 0;
  }

  /** A run has been decided, and will be performed. */
  enter(run: TaskRun): void {
    if (!this.#live.includes(run)) {
      this.#live.push(run);
      this.#settings.onChange();
    }
  }

  /** Calls the task as its scheduler does; the guard finds the run again. */
  async dispatch(run: TaskRun, args: unknown[] = []): Promise<unknown> {
    this.enter(run);
    try {
      return await runStorage.run(run, () => this.#settings.invoke(...args));
    } finally {
      if (run.state === 'decided') {
        // Somebody else's decorator has answered the call.
        this.#end(run, undefined);
      }
    }
  }

  /**
   * {@link dispatch}, for a run that no scheduler has called for: errors are logged
   * here. Never rejects; resolves to what became of the run.
   */
  async dispatchLogged(
    run: TaskRun,
  ): Promise<Omit<RequestedRun, 'task' | 'instanceId'>> {
    const answer = { runId: run.runId, durationMs: 0 };
    try {
      await this.dispatch(run);
      answer.durationMs = durationOf(run);
      return { ...answer, outcome: 'finished' };
    } catch (error) {
      answer.durationMs = durationOf(run);
      const tick = run.tick ? `tick ${run.tick.toISOString()}, ` : '';
      this.#settings.logger.error(
        `Leader task "${run.task}" failed (${tick}${run.trigger})`,
        stackOf(error),
      );
      const aborted = run.isAborted ? 'aborted' : 'failed';
      return {
        ...answer,
        outcome: run.timeout ? 'timed-out' : aborted,
        error: messageOf(error),
      };
    }
  }

  /** Runs the method, with all its retries. */
  perform(
    run: TaskRun,
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
  ): unknown {
    run.state = 'live';
    this.#calls += 1;
    let result: unknown;
    try {
      // What is recorded must not end before a promise of any kind has settled.
      result = this.#isPlain
        ? this.#apply(run, method, target, args)
        : this.#try(run, () => this.#apply(run, method, target, args));
    } catch (error) {
      this.#end(run, { error });
      throw error;
    } finally {
      this.#calls -= 1;
    }
    if (isPromise(result)) {
      this.enter(run);
      if (run.isAborted) {
        // The method itself has ended the term, before it first waited.
        this.termEnded();
      }
      result.then(
        () => this.#end(run, undefined),
        (error: unknown) => this.#end(run, { error }),
      );
    } else {
      this.#end(run, undefined);
    }
    return result;
  }

  /** Aborts runs whose term has ended, and reports those that do not end. */
  termEnded(): void {
    const { reporter, election, graceMs } = this.#settings;
    for (const run of this.#live) {
      if (run.isAborted && run.term && !run.isAbortReported) {
        run.isAbortReported = true;
        run.abort(run.term.signal.reason);
        const { reason } = election.leadership;
        reporter.emit(() => ({ type: 'aborted', reason, ...run.describe() }));
        setTimeout(() => {
          if (this.#live.includes(run)) {
            this.#overran(
              run,
              `after the leadership of its election "${election.name}" has ` +
                'ended; another instance may run it at the same time',
            );
          }
        }, graceMs).unref();
      }
    }
  }

  /** Ends runs without a term, which nothing else does. */
  abortManualRuns(reason: unknown): void {
    for (const run of this.#live) {
      if (!run.term) {
        run.abort(reason);
      }
    }
  }

  #apply(
    run: TaskRun,
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
  ): unknown {
    const { reporter } = this.#settings;
    if (reporter.isObserved) {
      reporter.emit(() => ({ type: 'started', ...run.describe() }));
    }
    const { activate } = reporter;
    // Without anybody who asks for it, no function is made for a call.
    return activate
      ? activate(run.runId, () =>
          runStorage.run(run, Reflect.apply, method, target, args),
        )
      : runStorage.run(run, Reflect.apply, method, target, args);
  }

  async #try(run: TaskRun, act: () => unknown): Promise<unknown> {
    const { options, election, reporter } = this.#settings;
    const { attempts, backoffMs, maxBackoffMs, jitter } =
      options.retry ?? ONE_TRY;
    for (let tried = 1; ; tried++) {
      try {
        return await this.#limited(run, act);
      } catch (error) {
        if (tried >= attempts || !this.#mayRetry(run)) {
          throw error;
        }
        const timedOut = run.timeout !== undefined;
        reporter.failed(run, { error, willRetry: true, timedOut });
        run.beginTry();
        const pauseMs = backoff(tried, backoffMs, maxBackoffMs);
        const part = jitter ? 0.5 + Math.random() / 2 : 1;
        await pause(pauseMs * part, run.signal);
        if (!this.#mayRetry(run) || !(await election.revalidate())) {
          throw error;
        }
        run.attempt += 1;
      }
    }
  }

  #mayRetry(run: TaskRun): boolean {
    return (
      !run.isAborted && run.goesOn === undefined && !this.#settings.isRefused()
    );
  }

  /** One try. At its time limit it is told to stop, and has a moment to do so. */
  async #limited(run: TaskRun, act: () => unknown): Promise<unknown> {
    const { graceMs, options, task } = this.#settings;
    const { timeLimitMs } = options;
    if (timeLimitMs === undefined) {
      return act();
    }
    const result = (async () => act())();
    let hasSettled = false;
    const settle = (): void => void (hasSettled = true);
    const settled = result.then(settle, settle);
    const timers: NodeJS.Timeout[] = [];
    const isOver = new Promise<void>((resolve) => {
      const stop = (): void => {
        run.timeout = new LeaderTaskError(
          'TIME_LIMIT',
          `The leader task "${task}" has been running for longer than its ` +
            `timeLimitMs of ${timeLimitMs} ms`,
        );
        run.abort(run.timeout);
        timers.push(setTimeout(resolve, graceMs));
      };
      timers.push(setTimeout(stop, timeLimitMs));
    });
    await Promise.race([settled, isOver]);
    timers.forEach((timer) => clearTimeout(timer));
    if (!run.timeout) {
      return result;
    }
    if (!hasSettled) {
      run.goesOn = settled;
    }
    throw run.timeout;
  }

  /** @param failure undefined: it ended well */
  #end(run: TaskRun, failure: { readonly error: unknown } | undefined): void {
    const { reporter, onEnd } = this.#settings;
    const timedOut = run.timeout !== undefined;
    if (failure) {
      reporter.failed(run, { ...failure, willRetry: false, timedOut });
    } else {
      reporter.finished(run);
    }
    if (run.isRecorded) {
      const failed = run.isAborted && !timedOut ? 'aborted' : 'failed';
      onEnd(run, {
        attempt: run.attempt,
        durationMs: durationOf(run),
        outcome: failure ? failed : 'finished',
        ...(timedOut && { timedOut }),
        ...(failure && { error: messageOf(failure.error) }),
      });
    }
    if (run.goesOn === undefined) {
      this.#leave(run);
    } else {
      this.#overran(run, 'after its time limit; it is still in the way');
      void run.goesOn.then(() => this.#leave(run));
    }
  }

  #leave(run: TaskRun): void {
    run.state = 'ended';
    const index = this.#live.indexOf(run);
    if (index >= 0) {
      this.#live.splice(index, 1);
      this.#settings.onChange(run);
    }
  }

  #overran(run: TaskRun, when: string): void {
    const { task, graceMs, logger, reporter } = this.#settings;
    const began = new Date(run.startedAtMs).toISOString();
    logger.warn(
      `Leader task "${task}" still runs ${graceMs} ms ${when}. It began at ` +
        `${began}. Have it stop when currentLeaderTask().signal aborts.`,
    );
    reporter.emit(() => ({ type: 'overran', ...run.describe() }));
  }
}

function durationOf(run: TaskRun): number {
  return Math.max(0, Date.now() - run.startedAtMs);
}
