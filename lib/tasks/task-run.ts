import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { types } from 'node:util';
import type { Logger } from '@nestjs/common';
import type { TaskElection } from '../election/managed-election.js';
import type { LeadershipTerm } from '../election/leadership.interface.js';
import type { ResolvedTaskOptions } from '../leader-task.options.js';
import { messageOf, stackOf } from '../message-of.js';
import { sharedRegistry } from '../shared-registry.js';
import { pause, backoff } from '../within.js';
import type {
  LeaderTaskContext,
  RunAnswer,
  RunTrigger,
} from './leader-task-info.interface.js';
import { LeaderTaskError } from './leader-task.error.js';
import type { RunEnd } from './ledger/ledger.js';
import type { AnyMethod } from './only-leader.decorator.js';
import type { TaskSchedule } from './schedule/schedules.js';
import type { RunEventDetails, TaskReporter } from './task-events.js';

/** The partition that a task is for. */
export interface TaskPartition {
  readonly partition: number;
  readonly partitions: number;
}

/** What a run needs of its task. */
export interface TaskRunOwner {
  readonly task: string;
  readonly election: TaskElection;
  /** Undefined: the task has no partitions. */
  readonly partition: TaskPartition | undefined;
  readonly options: Pick<ResolvedTaskOptions, 'retry' | 'timeLimitMs'>;
  readonly host: {
    readonly logger: Logger;
    /** How long a run may go on after its signal has aborted. */
    readonly graceMs: number;
  };
  readonly reporter: TaskReporter;
  /** Whether a run is nothing but its method: no tries, no limit, no ledger. */
  readonly hasPlainRuns: boolean;
  /** Whether new tries are refused. */
  readonly isOver: boolean;
  /** Tells the tick of a run that no ledger has counted, when somebody asks. */
  readonly schedule: TaskSchedule;
  /** Calls the task as its scheduler does, through all decorators. */
  readonly invoke: (...args: unknown[]) => unknown;
  /** A run goes on. May be called more than once. */
  runBegan(run: TaskRun): void;
  /** A run of which the ledger knows is over, though its method may go on. */
  runEnded(run: TaskRun, end: RunEnd): void;
  /** A run does not go on any more. */
  runLeft(run: TaskRun): void;
}

/** What is known of a run before it begins. */
export interface TaskRunDetails {
  readonly id?: string;
  readonly tick?: number;
  readonly attempt?: number;
  readonly requestedBy?: string;
}

const ONE_TRY = { attempts: 1, backoffMs: 0, maxBackoffMs: 0, jitter: false };

/** Shared by both builds: either finds the runs of the other. */
export const runStorage = sharedRegistry(
  'current-run',
  () => new AsyncLocalStorage<TaskRun>(),
);

/** Runs of this process whose method goes on. */
let liveRuns = 0;

/** The run of an owner from which this is called, however deep. */
export function liveRunOf(
  isOwner: (owner: TaskRunOwner) => boolean,
): TaskRun | undefined {
  let run = runStorage.getStore();
  while (run && (run.state === 'ended' || !isOwner(run.owner))) {
    run = run.outer;
  }
  return run;
}

/**
 * One run of a task, from its start to its end, with all its retries. Made for
 * every guarded call on the leader: what is rarely used is made when asked for.
 */
export class TaskRun implements LeaderTaskContext {
  readonly owner: TaskRunOwner;
  /** The term that it runs in; none in a manual run of a follower. */
  readonly term: LeadershipTerm | undefined;
  readonly trigger: RunTrigger;
  /** When it began, by the wall clock. */
  readonly startedAtMs: number;
  readonly requestedBy: string | undefined;
  attempt: number;
  /** `decided`: the call that performs it is still on its way to the guard. */
  state: 'decided' | 'live' | 'ended' = 'decided';
  /** The run of another task that has called for it, as long as it goes on. */
  outer: TaskRun | undefined;
  /** Whether a ledger knows of it. */
  readonly #isRecorded: boolean;
  #id: string | undefined;
  #tick: number | undefined;
  #abort: AbortController | undefined;
  /** Whether the end of its term has been reported. */
  #isAbortReported = false;
  /** Set when the present try has reached its time limit. */
  #timeout: LeaderTaskError | undefined;
  /** The end of a method that goes on after the run has been given up. */
  #goesOn: Promise<unknown> | undefined;

  constructor(
    owner: TaskRunOwner,
    term: LeadershipTerm | undefined,
    trigger: RunTrigger,
    startedAtMs: number,
    details?: TaskRunDetails,
  ) {
    this.owner = owner;
    this.term = term;
    this.trigger = trigger;
    this.startedAtMs = startedAtMs;
    this.#id = details?.id;
    this.#tick = details?.tick;
    this.#isRecorded = details?.id !== undefined;
    this.attempt = details?.attempt ?? 1;
    this.requestedBy = details?.requestedBy;
  }

  get task(): string {
    return this.owner.task;
  }

  get election(): string {
    return this.owner.election.name;
  }

  get partition(): number {
    return this.owner.partition?.partition ?? 0;
  }

  get partitions(): number {
    return this.owner.partition?.partitions ?? 1;
  }

  get runId(): string {
    return (this.#id ??= randomUUID());
  }

  get fencingToken(): number {
    return this.term?.fencingToken ?? 0;
  }

  get tick(): Date | undefined {
    if (this.#tick === undefined && this.trigger === 'call') {
      this.#tick = this.owner.schedule.ticks()?.tickOf(this.startedAtMs);
    }
    return this.#tick === undefined ? undefined : new Date(this.#tick);
  }

  /**
   * A signal of the run's own, which the task aborts. After the end of the run
   * nobody would: then it is the term's.
   */
  get signal(): AbortSignal {
    if (this.state === 'ended' && !this.#abort && this.term) {
      return this.term.signal;
    }
    this.#abort ??= new AbortController();
    const { signal } = this.#abort;
    if (this.term?.signal.aborted && !signal.aborted) {
      this.#abort.abort(this.term.signal.reason);
    }
    return signal;
  }

  describe(): RunEventDetails {
    const { runId, tick, fencingToken, attempt, trigger, requestedBy } = this;
    return {
      runId,
      ...(tick && { tick }),
      fencingToken,
      attempt,
      trigger,
      ...(requestedBy !== undefined && { requestedBy }),
    };
  }

  // --- How it begins ---------------------------------------------------------

  /** Calls the task as its scheduler does; the guard finds the run again. */
  async dispatch(args: unknown[] = []): Promise<unknown> {
    this.owner.runBegan(this);
    let failure: { readonly error: unknown } | undefined;
    try {
      return await runStorage.run(this, () => this.owner.invoke(...args));
    } catch (error) {
      failure = { error };
      throw error;
    } finally {
      if (this.state === 'decided') {
        // Somebody else's decorator has answered the call.
        this.#end(failure);
      }
    }
  }

  /**
   * {@link dispatch}, for a run that no scheduler has called for: errors are logged
   * here. Never rejects.
   */
  async dispatchLogged(): Promise<RunAnswer> {
    const { runId } = this;
    try {
      await this.dispatch();
      return { runId, durationMs: this.durationMs, outcome: 'finished' };
    } catch (error) {
      const tick = this.tick ? `tick ${this.tick.toISOString()}, ` : '';
      this.owner.host.logger.error(
        `Leader task "${this.task}" failed (${tick}${this.trigger})`,
        stackOf(error),
      );
      const outcome = this.#failedAs;
      const { durationMs } = this;
      return { runId, durationMs, outcome, error: messageOf(error) };
    }
  }

  /** Runs the method, with all its retries. */
  perform(
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
  ): unknown {
    // Looking costs more than most of a guarded call.
    const outer = liveRuns > 0 ? runStorage.getStore() : undefined;
    if (outer !== this) {
      this.outer = outer;
    }
    this.state = 'live';
    liveRuns += 1;
    let result: unknown;
    try {
      // What is recorded must not end before a promise of any kind has settled.
      result = this.owner.hasPlainRuns
        ? this.#apply(method, target, args)
        : this.#try(() => this.#apply(method, target, args));
    } catch (error) {
      this.#end({ error });
      throw error;
    }
    if (isPromise(result)) {
      this.owner.runBegan(this);
      // The method itself may have ended the term, before it first waited.
      this.termEnded();
      result.then(
        () => this.#end(undefined),
        (error: unknown) => this.#end({ error }),
      );
    } else {
      this.#end(undefined);
    }
    return result;
  }

  #apply(
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
  ): unknown {
    const { reporter } = this.owner;
    if (reporter.isObserved) {
      reporter.emit(() => ({ type: 'started', ...this.describe() }));
    }
    const { activate } = reporter;
    // Without anybody who asks for it, no function is made for a call.
    return activate
      ? activate(this.runId, () =>
          runStorage.run(this, Reflect.apply, method, target, args),
        )
      : runStorage.run(this, Reflect.apply, method, target, args);
  }

  // --- Tries and their time limit --------------------------------------------

  async #try(act: () => unknown): Promise<unknown> {
    const { options, election, reporter } = this.owner;
    const { attempts, backoffMs, maxBackoffMs, jitter } =
      options.retry ?? ONE_TRY;
    for (let tried = 1; ; tried++) {
      try {
        return await this.#limited(act);
      } catch (error) {
        if (tried >= attempts || !this.#mayRetry) {
          throw error;
        }
        const timedOut = this.#timeout !== undefined;
        reporter.failed(this, { error, willRetry: true, timedOut });
        this.#beginTry();
        const pauseMs = backoff(tried, backoffMs, maxBackoffMs);
        const part = jitter ? 0.5 + Math.random() / 2 : 1;
        await pause(pauseMs * part, this.signal);
        if (!this.#mayRetry || !(await election.revalidate())) {
          throw error;
        }
        this.attempt += 1;
      }
    }
  }

  get #mayRetry(): boolean {
    return !this.#isAborted && this.#goesOn === undefined && !this.owner.isOver;
  }

  /** The signal of the try before may have aborted. */
  #beginTry(): void {
    if (this.#abort?.signal.aborted) {
      this.#abort = undefined;
    }
    this.#timeout = undefined;
  }

  /** One try. At its time limit it is told to stop, and has a moment to do so. */
  async #limited(act: () => unknown): Promise<unknown> {
    const { options, host } = this.owner;
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
        this.#timeout = new LeaderTaskError(
          'TIME_LIMIT',
          `The leader task "${this.task}" has been running for longer than its ` +
            `timeLimitMs of ${timeLimitMs} ms`,
        );
        this.abort(this.#timeout);
        timers.push(setTimeout(resolve, host.graceMs));
      };
      timers.push(setTimeout(stop, timeLimitMs));
    });
    await Promise.race([settled, isOver]);
    timers.forEach((timer) => clearTimeout(timer));
    if (!this.#timeout) {
      return result;
    }
    if (!hasSettled) {
      this.#goesOn = settled;
    }
    throw this.#timeout;
  }

  // --- How it ends -----------------------------------------------------------

  /** Whether leadership has ended under the run. */
  get #isAborted(): boolean {
    return this.term?.signal.aborted ?? this.#abort?.signal.aborted ?? false;
  }

  abort(reason: unknown): void {
    void this.signal;
    this.#abort?.abort(reason);
  }

  /** Aborts the run if its term has ended, and reports if it does not end. */
  termEnded(): void {
    if (!this.term?.signal.aborted || this.#isAbortReported) {
      return;
    }
    this.#isAbortReported = true;
    this.abort(this.term.signal.reason);
    const { reporter, election, host } = this.owner;
    const { reason } = election.leadership;
    reporter.emit(() => ({ type: 'aborted', reason, ...this.describe() }));
    setTimeout(() => {
      if (this.state !== 'ended') {
        this.#overran(
          `after the leadership of its election "${election.name}" has ` +
            'ended; another instance may run it at the same time',
        );
      }
    }, host.graceMs).unref();
  }

  /** @param failure undefined: it ended well */
  #end(failure: { readonly error: unknown } | undefined): void {
    const { reporter } = this.owner;
    const timedOut = this.#timeout !== undefined;
    if (failure) {
      reporter.failed(this, { ...failure, willRetry: false, timedOut });
    } else {
      reporter.finished(this);
    }
    if (this.#isRecorded) {
      this.owner.runEnded(this, {
        attempt: this.attempt,
        durationMs: this.durationMs,
        outcome: failure ? this.#failedAs : 'finished',
        ...(failure && { error: messageOf(failure.error) }),
      });
    }
    if (this.#goesOn === undefined) {
      this.#leave();
    } else {
      this.#overran('after its time limit; it is still in the way');
      void this.#goesOn.then(() => this.#leave());
    }
  }

  #leave(): void {
    if (this.state === 'live') {
      liveRuns -= 1;
    }
    this.state = 'ended';
    this.outer = undefined;
    this.owner.runLeft(this);
  }

  #overran(when: string): void {
    const { host, reporter } = this.owner;
    const began = new Date(this.startedAtMs).toISOString();
    host.logger.warn(
      `Leader task "${this.task}" still runs ${host.graceMs} ms ${when}. It began at ` +
        `${began}. Have it stop when currentLeaderTask().signal aborts.`,
    );
    reporter.emit(() => ({ type: 'overran', ...this.describe() }));
  }

  get durationMs(): number {
    return Math.max(0, Date.now() - this.startedAtMs);
  }

  get #failedAs(): 'timed-out' | 'aborted' | 'failed' {
    if (this.#timeout) {
      return 'timed-out';
    }
    return this.#isAborted ? 'aborted' : 'failed';
  }
}

/**
 * The run of a leader task from which this is called, however deep; undefined
 * outside of any.
 *
 * @example
 * ```ts
 * @Cron('0 2 * * *')
 * @OnlyLeader()
 * async sendInvoices(): Promise<void> {
 *   for (const invoice of await this.invoices.due()) {
 *     currentLeaderTask()?.signal.throwIfAborted();
 *     await this.mailer.send(invoice);
 *   }
 * }
 * ```
 *
 * @publicApi
 */
export function currentLeaderTask(): LeaderTaskContext | undefined {
  return runStorage.getStore();
}

/**
 * Whether it is a promise of Node.js itself, from any realm. Others are results
 * like any other: what they do when they are looked at is not known.
 */
function isPromise(value: unknown): value is Promise<unknown> {
  // The question costs more than most of a guarded call.
  return typeof value === 'object' && value !== null && types.isPromise(value);
}
