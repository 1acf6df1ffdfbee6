import type { Logger } from '@nestjs/common';
import type { ManagedElection } from '../election/leader-elections.js';
import type { LeadershipTerm } from '../election/leadership.interface.js';
import type { SkipReason } from './leader-task-event.interface.js';
import type { LeaderTaskInfo } from './leader-task-info.interface.js';
import { isPromise } from './is-promise.js';
import { OverlapGate } from './overlap-gate.js';
import type { ScheduleSource } from './schedule/schedule-finder.js';
import type { AnyMethod } from './task-definition.js';
import { TaskDispatcher } from './task-dispatcher.js';
import type { TaskEvents } from './task-events.js';
import type { TaskGuard } from './task-guard.interface.js';
import type { ResolvedTaskOptions } from './task-options.js';
import type { TaskRegister } from './task-register.js';
import { TaskReporter } from './task-reporter.js';
import { TaskRun } from './task-run.js';
import { TaskRunner } from './task-runner.js';
import type { Timetable } from './timetable/timetable.js';

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

/** One leader task of an application: decides whether a call runs. */
export class LeaderTask implements TaskGuard {
  readonly task: string;
  readonly election: ManagedElection;
  readonly electionName: string;
  readonly gate: OverlapGate;
  readonly reporter: TaskReporter;
  readonly timetable: Timetable | undefined;
  readonly #settings: LeaderTaskSettings;
  readonly #register: TaskRegister;
  readonly #dispatcher = new TaskDispatcher();
  readonly #runner: TaskRunner;
  /** Whether a call of the leader runs without further questions. */
  readonly #isPlain: boolean;
  #isReplaced = false;

  constructor(settings: LeaderTaskSettings) {
    const { name, election, options, register, graceMs } = settings;
    this.#settings = settings;
    this.#register = register;
    this.task = name;
    this.election = election;
    this.electionName = election.name;
    this.gate = new OverlapGate(options.overlap);
    this.reporter = new TaskReporter({ ...settings, onSkip: options.onSkip });
    const timetable = settings.makeTimetable?.(this);
    this.timetable = timetable;
    this.#runner = new TaskRunner({
      election,
      retry: options.retry,
      reporter: this.reporter,
      register,
      graceMs,
      isRefused: () => this.refusal !== undefined,
      record:
        timetable &&
        ((run, outcome, error) => timetable.finish(run, outcome, error)),
    });
    this.#isPlain = !timetable && !options.retry && this.gate.isOpen;
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

  declines(): boolean {
    if (
      this.election.leadership.role === 'leader' ||
      this.#dispatcher.underWay > 0
    ) {
      return false;
    }
    this.#skip(this.refusal ?? 'not-leading');
    return true;
  }

  call(method: AnyMethod, target: unknown, args: ArrayLike<unknown>): unknown {
    if (this.#dispatcher.underWay > 0) {
      const run = this.#dispatcher.take();
      if (run) {
        return this.#runner.perform(run, method, target, args);
      }
    }
    const calledAtMs = this.election.leadsAtMs();
    if (calledAtMs !== undefined && this.refusal === undefined) {
      return this.#isPlain
        ? this.#runPlainly(calledAtMs, method, target, args)
        : this.#admit(method, target, args, calledAtMs);
    }
    return this.#refuse(method, target, args);
  }

  /** Runs the task as its scheduler would, whoever leads. */
  runManually(args: unknown[]): Promise<unknown> {
    const run = new TaskRun(this, this.#term(), 'manual', Date.now());
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
    this.timetable?.stop();
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
      hasLedger: this.timetable !== undefined,
      running: this.#runner.running,
      counts: Object.freeze({ ...this.reporter.counts }),
    });
  }

  #refuse(
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
  ): unknown {
    if (this.refusal !== undefined) {
      return this.#skip(this.refusal);
    }
    if (this.#settings.canWait && this.election.leadership.role === 'leader') {
      // Leading, but without proof, as after a stall of the event loop: the
      // tick is not lost if a fresh heartbeat gives the proof.
      return this.#callWhenProved(method, target, args);
    }
    return this.#skip('not-leading');
  }

  async #callWhenProved(
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
  ): Promise<unknown> {
    const calledAtMs = Date.now();
    return (await this.election.revalidate())
      ? this.#callAgain(method, target, args, calledAtMs)
      : this.#skip('not-leading');
  }

  /** Goes on with a call that had to wait. */
  #callAgain(
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
    calledAtMs: number,
  ): unknown {
    if (this.refusal !== undefined) {
      return this.#skip(this.refusal);
    }
    return this.election.isLeader()
      ? this.#admit(method, target, args, calledAtMs)
      : this.#skip('not-leading');
  }

  /** Lets a call of the leader in, now, later or never. */
  #admit(
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
    calledAtMs: number,
  ): unknown {
    const { gate, timetable } = this;
    const decided = timetable?.caughtUp ?? gate.decided;
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
        : this.#runPlainly(calledAtMs, method, target, args);
    const entered = gate.enterCall(timetable ? 'decide' : 'run');
    if (entered === false) {
      timetable?.drop(tick);
      return this.#skip('overlap', tick);
    }
    if (entered === true) {
      return this.#leaveAfter(run);
    }
    return entered.then(() =>
      this.#leaveAfter(async () =>
        this.refusal === undefined && (await this.election.revalidate())
          ? run()
          : this.#skip(this.refusal ?? 'not-leading', tick),
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
    if (isPromise(result)) {
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
    return this.#runner.perform(run, method, target, args);
  }

  #runPlainly(
    calledAtMs: number,
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
  ): unknown {
    const run = new TaskRun(this, this.#term(), 'call', calledAtMs);
    return this.#runner.perform(run, method, target, args);
  }

  #dispatch(run: TaskRun, args: unknown[]): Promise<unknown> {
    return this.#dispatcher.dispatch(
      run,
      () => this.#settings.invoke(...args),
      () => this.timetable?.finish(run, 'finished'),
    );
  }

  #skip(reason: SkipReason, tickMs?: number): undefined {
    return this.reporter.skipped(reason, tickMs);
  }

  #term(): LeadershipTerm | undefined {
    const { leadership } = this.election;
    return leadership.role === 'leader' ? leadership.term : undefined;
  }
}
