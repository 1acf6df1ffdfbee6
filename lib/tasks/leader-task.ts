import { AsyncLocalStorage } from 'node:async_hooks';
import { types } from 'node:util';
import type { Logger } from '@nestjs/common';
import type { ManagedElection } from '../election/leader-elections.js';
import type { LeadershipTerm } from '../election/leadership.interface.js';
import { sharedRegistry } from '../shared-registry.js';
import { taskStorage } from './current-leader-task.js';
import type { SkipReason } from './leader-task-event.interface.js';
import type { LeaderTaskInfo } from './leader-task-info.interface.js';
import { OverlapGate } from './overlap-gate.js';
import { pause } from './pause.js';
import type { ScheduleSource } from './schedule/schedule-finder.js';
import type { AnyMethod } from './task-definition.js';
import type { TaskEventDetails, TaskEvents } from './task-events.js';
import type { ResolvedTaskOptions } from './task-options.js';
import type { TaskRegister } from './task-register.js';
import { TaskRun } from './task-run.js';
import type { RunOutcome, Timetable } from './timetable.js';

/** What a guarded call is directed to. */
export interface TaskGuard {
  call(method: AnyMethod, target: unknown, args: ArrayLike<unknown>): unknown;
}

export interface LeaderTaskSettings {
  readonly name: string;
  readonly election: ManagedElection;
  readonly options: ResolvedTaskOptions;
  readonly schedule: ScheduleSource | undefined;
  /** Whether a call may be answered later than it was made. */
  readonly canWait: boolean;
  /** Calls the task as its scheduler does, through all decorators. */
  readonly invoke: (...args: unknown[]) => unknown;
  readonly events: TaskEvents;
  readonly logger: Logger;
  readonly register: TaskRegister;
  /** How long an aborted run may go on. */
  readonly graceMs: number;
  /** Makes the timetable of a task with a ledger. */
  readonly makeTimetable: ((task: LeaderTask) => Timetable) | undefined;
}

/** A call that the library makes itself, on its way to the guard. */
interface Dispatch {
  readonly task: LeaderTask;
  readonly run: TaskRun;
  isTaken: boolean;
}

const dispatches = sharedRegistry(
  'dispatched-task',
  () => new AsyncLocalStorage<Dispatch>(),
);

/** One leader task of an application: decides whether a call runs, and runs it. */
export class LeaderTask implements TaskGuard {
  readonly task: string;
  readonly election: ManagedElection;
  readonly electionName: string;
  readonly counts = { finished: 0, failed: 0, skipped: 0, missed: 0 };
  readonly gate: OverlapGate;
  readonly #settings: LeaderTaskSettings;
  readonly #timetable: Timetable | undefined;
  readonly #isPlain: boolean;
  /** The runs that go on, each with its end, that of its record included. */
  readonly #ongoing = new Map<TaskRun, Promise<unknown>>();
  readonly #register: TaskRegister;
  #isReplaced = false;
  #dispatched = 0;

  constructor(settings: LeaderTaskSettings) {
    const { options } = settings;
    this.#settings = settings;
    this.election = settings.election;
    this.#register = settings.register;
    this.task = settings.name;
    this.electionName = settings.election.name;
    this.gate = new OverlapGate(options.overlap);
    this.#timetable = settings.makeTimetable?.(this);
    this.#isPlain = !this.#timetable && !options.retry && this.gate.isOpen;
  }

  get hasLedger(): boolean {
    return this.#timetable !== undefined;
  }

  /** Why new runs are refused; undefined if they are not. */
  get refusal(): 'closing' | 'replaced' | undefined {
    if (this.#isReplaced) {
      return 'replaced';
    }
    return this.#register.isClosing ? 'closing' : undefined;
  }

  get schedule(): ScheduleSource | undefined {
    return this.#settings.schedule;
  }

  get timetable(): Timetable | undefined {
    return this.#timetable;
  }

  /** Resolve when what goes on now has ended. */
  get ongoing(): Promise<unknown>[] {
    return [...this.#ongoing.values()];
  }

  /** Runs a call if this instance leads. Nothing is allocated if it does not. */
  call(method: AnyMethod, target: unknown, args: ArrayLike<unknown>): unknown {
    if (this.#dispatched > 0) {
      const dispatch = dispatches.getStore();
      if (dispatch?.task === this && !dispatch.isTaken) {
        dispatch.isTaken = true;
        return this.#perform(dispatch.run, method, target, args);
      }
    }
    if (this.election.isLeader() && this.refusal === undefined) {
      return this.#isPlain
        ? this.#perform(this.#newRun(), method, target, args)
        : this.#admit(method, target, args, Date.now());
    }
    return this.#refuse(method, target, args);
  }

  /** Runs the task as its scheduler would, whoever leads. */
  async runManually(args: unknown[]): Promise<unknown> {
    const run = new TaskRun(this, this.#term(), 'manual');
    return this.#dispatch(run, args);
  }

  /** Runs a tick that the library has claimed by itself; never rejects. */
  async runClaimed(run: TaskRun): Promise<void> {
    try {
      await this.#dispatch(run, []);
    } catch (error) {
      // There is no scheduler to log it.
      const tick = run.tick?.toISOString();
      this.#settings.logger.error(
        `Leader task "${this.task}" failed (tick ${tick}, ${run.trigger})`,
        error instanceof Error ? error.stack : String(error),
      );
    }
  }

  /** Another task takes the place of this one. */
  replace(): void {
    this.#isReplaced = true;
    this.#timetable?.stop();
  }

  /** Tells runs without a term, which nothing else ends, that it is over. */
  abortManualRuns(reason: Error): void {
    for (const run of this.#ongoing.keys()) {
      if (!run.term) {
        run.abort(reason);
      }
    }
  }

  /** Reports runs whose term has ended, and once more if they do not end. */
  termEnded(): void {
    for (const run of this.#ongoing.keys()) {
      if (run.isAborted && !run.isAbortReported && run.term) {
        run.isAbortReported = true;
        const { reason } = this.election.leadership;
        this.emit({ type: 'aborted', reason, ...describe(run) });
        setTimeout(
          () => this.#reportOverrun(run),
          this.#settings.graceMs,
        ).unref();
      }
    }
  }

  tickAt(timeMs: number): number | undefined {
    return this.#settings.schedule?.find()?.tickOf(timeMs);
  }

  info(): LeaderTaskInfo {
    const schedule = this.#settings.schedule?.description;
    const nextTick = this.#settings.schedule?.find()?.next(Date.now());
    return Object.freeze({
      task: this.task,
      election: this.electionName,
      ...(schedule && { schedule }),
      ...(nextTick !== undefined && { nextTick: new Date(nextTick) }),
      hasLedger: this.hasLedger,
      running: this.#ongoing.size,
      counts: Object.freeze({ ...this.counts }),
    });
  }

  /** Counts and tells that a call does nothing. */
  skip(reason: SkipReason, tickMs?: number, error?: unknown): undefined {
    this.counts.skipped += 1;
    const { onSkip } = this.#settings.options;
    const { events } = this.#settings;
    if (onSkip !== undefined || events.isObserved('skipped')) {
      this.#tellOfSkip(reason, tickMs, error);
    }
  }

  emit(details: TaskEventDetails): void {
    const { events } = this.#settings;
    if (events.isObserved(details.type)) {
      events.emit({ ...details, ...this.#subject() });
    }
  }

  #refuse(
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
  ): unknown {
    if (this.refusal !== undefined) {
      return this.skip(this.refusal);
    }
    if (this.#settings.canWait && this.election.leadership.role === 'leader') {
      // Leading, but without proof, as after a stall of the event loop: the
      // tick is not lost if a fresh heartbeat gives the proof.
      return this.#callWhenProved(method, target, args);
    }
    return this.skip('not-leading');
  }

  async #callWhenProved(
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
  ): Promise<unknown> {
    const calledAtMs = Date.now();
    return (await this.election.revalidate())
      ? this.#callAgain(method, target, args, calledAtMs)
      : this.skip('not-leading');
  }

  /** Goes on with a call that had to wait. */
  #callAgain(
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
    calledAtMs: number,
  ): unknown {
    if (this.refusal !== undefined) {
      return this.skip(this.refusal);
    }
    return this.election.isLeader()
      ? this.#admit(method, target, args, calledAtMs)
      : this.skip('not-leading');
  }

  /** Lets a call of the leader in, now, later or never. */
  #admit(
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
    calledAtMs: number,
  ): unknown {
    const timetable = this.#timetable;
    const decided = timetable?.caughtUp ?? this.gate.decided;
    if (decided) {
      // Ticks are run in order: those of the past first.
      return decided.then(() =>
        this.#callAgain(method, target, args, calledAtMs),
      );
    }
    const tick = timetable?.tickOf(calledAtMs, target);
    const run = (): unknown =>
      timetable
        ? this.#runTick(timetable, tick, method, target, args)
        : this.#perform(this.#newRun(), method, target, args);
    const entered = this.gate.enterCall(timetable ? 'decide' : 'run');
    if (entered === false) {
      timetable?.drop(tick);
      return this.skip('overlap', tick);
    }
    if (entered === true) {
      return this.#leaveAfter(run);
    }
    return entered.then(() =>
      this.#leaveAfter(async () =>
        this.refusal === undefined && (await this.election.revalidate())
          ? run()
          : this.skip(this.refusal ?? 'not-leading', tick),
      ),
    );
  }

  #leaveAfter(run: () => unknown): unknown {
    let result: unknown;
    try {
      result = run();
    } catch (error) {
      this.gate.leave();
      throw error;
    }
    if (types.isPromise(result)) {
      const leave = (): void => this.gate.leave();
      result.then(leave, leave);
    } else {
      this.gate.leave();
    }
    return result;
  }

  async #runTick(
    timetable: Timetable,
    tick: number | undefined,
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
  ): Promise<unknown> {
    const run = await timetable.claim(tick);
    if (!run) {
      return undefined;
    }
    this.gate.goOnTo('run');
    return this.#perform(run, method, target, args);
  }

  async #dispatch(run: TaskRun, args: unknown[]): Promise<unknown> {
    const dispatch: Dispatch = { task: this, run, isTaken: false };
    this.#dispatched += 1;
    try {
      return await dispatches.run(dispatch, this.#settings.invoke, ...args);
    } finally {
      this.#dispatched -= 1;
      if (!dispatch.isTaken) {
        // Somebody else's decorator has answered the call.
        await this.#timetable?.finish(run, 'finished');
      }
    }
  }

  /** Runs the method, with all its retries, and tells of it. */
  #perform(
    run: TaskRun,
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
  ): unknown {
    let result: unknown;
    try {
      result = this.#settings.options.retry
        ? this.#try(run, method, target, args)
        : this.#apply(run, method, target, args);
    } catch (error) {
      void this.#end(run, failureOf(run), error);
      throw error;
    }
    if (!types.isPromise(result)) {
      void this.#end(run, 'finished');
      return result;
    }
    this.#register.active.add(this);
    this.#ongoing.set(
      run,
      result
        .then(
          () => this.#end(run, 'finished'),
          (error: unknown) => this.#end(run, failureOf(run), error),
        )
        .then(() => this.#forget(run)),
    );
    return result;
  }

  #apply(
    run: TaskRun,
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
  ): unknown {
    if (this.#settings.events.isObserved('started')) {
      this.emit({ type: 'started', ...describe(run) });
    }
    return taskStorage.run(run, Reflect.apply, method, target, args);
  }

  async #try(
    run: TaskRun,
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
  ): Promise<unknown> {
    const { attempts, backoffMs } = this.#settings.options.retry as {
      attempts: number;
      backoffMs: number;
    };
    for (let tried = 1; ; tried++) {
      try {
        return await this.#apply(run, method, target, args);
      } catch (error) {
        if (tried >= attempts || !this.#mayRetry(run)) {
          throw error;
        }
        this.#tellOfFailure(run, error, true);
        await pause(backoffMs * 2 ** (tried - 1), run.signal);
        if (!this.#mayRetry(run) || !(await this.election.revalidate())) {
          throw error;
        }
        run.attempt += 1;
      }
    }
  }

  #mayRetry(run: TaskRun): boolean {
    return !run.isAborted && this.refusal === undefined;
  }

  /** Lets go of a run; resolves when its end is recorded. Never rejects. */
  #end(
    run: TaskRun,
    outcome: RunOutcome,
    error?: unknown,
  ): Promise<void> | undefined {
    run.end();
    if (outcome === 'finished') {
      this.counts.finished += 1;
      if (this.#settings.events.isObserved('finished')) {
        const durationMs = Date.now() - run.startedAtMs;
        this.emit({ type: 'finished', ...describe(run), durationMs });
      }
    } else {
      this.counts.failed += 1;
      this.#tellOfFailure(run, error, false);
    }
    return this.#timetable?.finish(run, outcome, error);
  }

  #forget(run: TaskRun): void {
    this.#ongoing.delete(run);
    if (this.#ongoing.size === 0) {
      this.#register.active.delete(this);
    }
  }

  #tellOfFailure(run: TaskRun, error: unknown, willRetry: boolean): void {
    const durationMs = Date.now() - run.startedAtMs;
    this.emit({
      type: 'failed',
      ...describe(run),
      durationMs,
      error,
      willRetry,
    });
  }

  #reportOverrun(run: TaskRun): void {
    if (this.#ongoing.has(run)) {
      const since = run.startedAtMs;
      this.#settings.logger.warn(
        `Leader task "${this.task}" still runs ${this.#settings.graceMs} ms after ` +
          `the leadership of its election "${this.electionName}" has ended; it began ` +
          `at ${new Date(since).toISOString()}. Another instance may run it at the ` +
          'same time. Have it stop when currentLeaderTask().signal aborts.',
      );
      this.emit({ type: 'overran', ...describe(run) });
    }
  }

  #tellOfSkip(reason: SkipReason, tickMs?: number, error?: unknown): void {
    const { events, options, logger } = this.#settings;
    const skipped = {
      type: 'skipped' as const,
      ...this.#subject(),
      reason,
      ...(tickMs !== undefined && { tick: new Date(tickMs) }),
      ...(error !== undefined && { error }),
    };
    try {
      options.onSkip?.(skipped);
    } catch (thrown) {
      logger.error(
        `onSkip of the leader task "${this.task}" failed`,
        thrown instanceof Error ? thrown.stack : String(thrown),
      );
    }
    if (events.isObserved('skipped')) {
      events.emit(skipped);
    }
  }

  #newRun(): TaskRun {
    return new TaskRun(this, this.#term(), 'call');
  }

  #term(): LeadershipTerm | undefined {
    const { leadership } = this.election;
    return leadership.role === 'leader' ? leadership.term : undefined;
  }

  #subject() {
    return {
      task: this.task,
      election: this.electionName,
      instanceId: this.election.instanceId,
      at: new Date(),
    };
  }
}

function describe(run: TaskRun) {
  const { tick, fencingToken, attempt, trigger } = run;
  return { ...(tick && { tick }), fencingToken, attempt, trigger };
}

function failureOf(run: TaskRun): RunOutcome {
  return run.isAborted ? 'aborted' : 'failed';
}
