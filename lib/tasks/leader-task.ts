import type { Logger } from '@nestjs/common';
import type { TaskElection } from '../election/managed-election.js';
import type { LeadershipTerm } from '../election/leadership.interface.js';
import type { ResolvedTaskOptions } from '../leader-task.options.js';
import { messageOf } from '../message-of.js';
import type { Nodes } from '../session/nodes.js';
import { unknownScheduleMessage } from '../zookeeper-leader.messages.js';
import { CatchUp, type CatchUpOwner, type Refused } from './ledger/catch-up.js';
import type {
  LeaderTaskInfo,
  RunAnswer,
  TaskPause,
  RunTrigger,
  SkipReason,
} from './leader-task-info.interface.js';
import {
  ResumedError,
  SupersededError,
  type OpenRun,
  type RunEnd,
} from './ledger/ledger.js';
import type { AnyMethod, TaskGuard } from './only-leader.decorator.js';
import type { TaskSchedule } from './schedule/schedules.js';
import type { Ticks } from './schedule/ticks.js';
import { TaskReporter, type TaskEvents } from './task-events.js';
import type { LedgerOwner } from './ledger/task-ledger.js';
import { isTooLate, type OwnRun } from './ledger/catch-up-rules.js';
import { whyNot } from './task-rules.js';
import {
  liveRunOf,
  runStorage,
  TaskRun,
  type TaskPartition,
  type TaskRunDetails,
  type TaskRunOwner,
} from './task-run.js';

/** What the tasks of an application share. */
export interface TaskHost {
  readonly events: TaskEvents;
  readonly logger: Logger;
  readonly nodes: Nodes;
  /** Whether the application refuses new runs. */
  readonly isClosing: boolean;
  /** Aborts when nothing is to be written any more. */
  readonly closing: AbortSignal;
  /** How long a run may go on after its signal has aborted. */
  readonly graceMs: number;
  /** What is known of the runs of a task: one of its name may take its place. */
  ownRunsOf(task: string): Map<string, OwnRun>;
  readonly pauses: {
    /** While it is not known which tasks without a ledger are paused. */
    readonly known: Promise<unknown> | undefined;
    /** A task with a ledger was found paused: it looks again at the end. */
    follow(task: LedgerOwner): void;
  };
  /** A task has runs, or has none any more. */
  runsChanged(task: LeaderTask): void;
}

export interface LeaderTaskSettings {
  readonly name: string;
  readonly election: TaskElection;
  /** Undefined: the task has no partitions. */
  readonly partition?: TaskPartition;
  readonly options: ResolvedTaskOptions;
  readonly schedule: TaskSchedule;
  /** Whether a call may be answered later than it was made. */
  readonly canWait: boolean;
  /** Calls the task as its scheduler does, through all decorators. */
  readonly invoke: (...args: unknown[]) => unknown;
  /** Whether a first call without a schedule is worth a warning. */
  readonly warnsUnscheduled?: boolean;
}

/** A call that has to be decided. */
interface Call {
  readonly type: 'call';
  readonly calledAtMs: number;
  /** Whether a job was under way then: it may have been stopped since. */
  readonly isOfJob: boolean;
  readonly ticks: Ticks | undefined;
  readonly tick: number | undefined;
  readonly decide: (run: TaskRun | undefined) => void;
}

/** A run that somebody asks for, wherever. */
interface Demand {
  readonly type: 'demand';
  readonly requestedBy: string;
  readonly isForced: boolean;
  readonly answer: (answer: RunAnswer) => void;
}

type Message =
  /** Look for what is to be done: interrupted runs and missed ticks. */
  | { readonly type: 'look' }
  | Call
  | Demand
  | { readonly type: 'end'; readonly run: TaskRun; readonly end: RunEnd };

/**
 * One leader task of an application. It is read from top to bottom:
 *
 * 1. Calls. One that needs no question to ZooKeeper is answered at once.
 * 2. The mailbox takes everything else: a call, a demand, the end of a run, and
 *    "look" (a term has begun, a job has become active, a tick is overdue). Its
 *    messages are handled one at a time and never wait for the end of a run.
 * 3. Decisions: each message ends in runs that begin, or in a reason why not.
 * 4. The ledger: a tick is claimed before its run, after what is owed.
 * 5. Runs begin and end.
 *
 * The end of a term is not a message: it aborts the runs at once.
 */
export class LeaderTask implements TaskGuard, TaskRunOwner, CatchUpOwner {
  readonly task: string;
  readonly election: TaskElection;
  readonly partition: TaskPartition | undefined;
  readonly options: ResolvedTaskOptions;
  readonly schedule: TaskSchedule;
  readonly host: TaskHost;
  readonly reporter: TaskReporter;
  readonly hasPlainRuns: boolean;
  readonly hasLedger: boolean;
  readonly invoke: LeaderTaskSettings['invoke'];
  readonly #canWait: boolean;
  /** With a ledger. */
  readonly #catchUp: CatchUp | undefined;
  readonly #mailbox: Message[] = [];
  #isWorking = false;
  #quiet: {
    readonly resolve: () => void;
    readonly except: WeakSet<TaskRun>;
  }[] = [];
  /** Runs that go on, and those that are about to begin. */
  readonly #live: TaskRun[] = [];
  /** Those whose place this one has taken, while runs of theirs go on. */
  formers: readonly LeaderTask[] = [];
  /** Calls of the method that have not returned yet. */
  #calls = 0;
  /** With `queue-one`: the call that waits for the end of a run. */
  #queued: Call | undefined;
  /** A missed tick that is run before the next one and before any call. */
  #inOrder: TaskRun | undefined;
  /** Whether something owed could not be run because of a run that goes on. */
  #isBehind = false;
  #isDisposed = false;
  #warnsUnscheduled: boolean;
  /** Of a task without a ledger. */
  #pause: TaskPause | undefined;

  constructor(host: TaskHost, settings: LeaderTaskSettings) {
    const { name, election, options } = settings;
    const { ledger } = options;
    this.task = name;
    this.election = election;
    this.partition = settings.partition;
    this.options = options;
    this.schedule = settings.schedule;
    this.host = host;
    this.reporter = new TaskReporter(host.events, {
      task: name,
      election: election.name,
      instanceId: election.instanceId,
    });
    this.hasLedger = ledger !== false;
    this.hasPlainRuns =
      !ledger && !options.retry && options.timeLimitMs === undefined;
    this.#canWait = settings.canWait || this.hasLedger;
    this.invoke = settings.invoke;
    this.#warnsUnscheduled = settings.warnsUnscheduled ?? false;
    this.#catchUp = ledger ? new CatchUp(this, ledger) : undefined;
  }

  /** Number of runs that go on. */
  get running(): number {
    return this.#live.length;
  }

  get runs(): readonly TaskRun[] {
    return [...this.#live];
  }

  get isCalled(): boolean {
    return this.#live.some(({ trigger }) => trigger === 'call');
  }

  get isBusy(): boolean {
    return (
      this.options.overlap !== 'allow' &&
      (this.#live.length > 0 || this.formers.length > 0)
    );
  }

  /** Whether the task, or its application, has ended. */
  get isOver(): boolean {
    return this.#refusal() !== undefined;
  }

  get paused(): TaskPause | undefined {
    return this.#catchUp ? this.#catchUp.ledger.pause : this.#pause;
  }

  info(): LeaderTaskInfo {
    const { description, state } = this.schedule;
    const next =
      state === 'active' ? this.schedule.ticks()?.next(Date.now()) : undefined;
    const { paused } = this;
    return Object.freeze({
      task: this.task,
      election: this.election.name,
      ...this.partition,
      ...(description && { schedule: description }),
      ...(state !== 'none' && { isActive: state === 'active' }),
      ...(next !== undefined && { nextTick: new Date(next) }),
      hasLedger: this.hasLedger,
      ...(paused && { paused }),
      running: this.running,
      counts: Object.freeze({ ...this.reporter.counts }),
    });
  }

  // --- 1. Calls --------------------------------------------------------------

  declines(): boolean {
    if (this.election.leadership.role === 'leader') {
      return false;
    }
    if (this.#currentRun()) {
      return false;
    }
    this.#skip(this.#refusal() ?? 'not-leading');
    return true;
  }

  call(method: AnyMethod, target: unknown, args: ArrayLike<unknown>): unknown {
    const current = this.#currentRun();
    if (current) {
      return current.state === 'decided'
        ? this.#perform(current, method, target, args)
        : // Recursion, also by way of another task, or super: part of the run.
          Reflect.apply(method, target, args);
    }
    const calledAtMs = this.election.leadsAtMs();
    return calledAtMs !== undefined && this.#isFree()
      ? this.#perform(this.#calledRun(calledAtMs), method, target, args)
      : this.#answer(calledAtMs, method, target, args);
  }

  /** Runs the task as its scheduler would, also on a follower. */
  runHere(args: unknown[]): Promise<unknown> {
    const run = new TaskRun(this, this.term(), 'manual', Date.now());
    run.outer = runStorage.getStore();
    return run.dispatch(args);
  }

  /** Asks for a run on behalf of somebody; resolves at its end, never rejects. */
  demand(requestedBy: string, isForced: boolean): Promise<RunAnswer> {
    return new Promise((answer) => {
      this.#post({ type: 'demand', requestedBy, isForced, answer });
    });
  }

  /** The run of this task that the caller is in. */
  #currentRun(): TaskRun | undefined {
    // Looking costs more than most of a guarded call.
    return this.#calls > 0 || this.#live.length > 0
      ? liveRunOf((owner) => owner === this)
      : undefined;
  }

  /** Whether a call on the leader needs no thought, as nearly all do. */
  #isFree(): boolean {
    return (
      !this.hasLedger &&
      this.#refusal() === undefined &&
      this.#pause === undefined &&
      this.host.pauses.known === undefined &&
      !this.isBusy
    );
  }

  #calledRun(calledAtMs: number): TaskRun {
    return new TaskRun(this, this.term(), 'call', calledAtMs);
  }

  /** Skips the call, or asks the mailbox if the call can wait for that. */
  #answer(
    calledAtMs: number | undefined,
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
  ): unknown {
    const canWait = this.#canWait;
    const isLeading =
      calledAtMs !== undefined || (canWait && this.term() !== undefined);
    const reason = this.#whyNot(isLeading, false);
    const mayFollow =
      reason === 'overlap' &&
      (this.hasLedger || this.options.overlap === 'queue-one');
    if (reason !== undefined && !mayFollow) {
      return this.#skip(reason);
    }
    if (calledAtMs !== undefined && !canWait && !mayFollow) {
      // It cannot wait to hear whether it is paused.
      return this.#perform(this.#calledRun(calledAtMs), method, target, args);
    }
    return this.#decided(calledAtMs ?? Date.now(), target).then(
      (run) => run && this.#perform(run, method, target, args),
    );
  }

  /** The run for a call; undefined if it does nothing. */
  #decided(calledAtMs: number, target: unknown): Promise<TaskRun | undefined> {
    const ticks = this.hasLedger ? this.schedule.ticks(target) : undefined;
    if (this.hasLedger && !ticks && this.#warnsUnscheduled) {
      this.#warnsUnscheduled = false;
      this.host.logger.warn(unknownScheduleMessage(this.task));
    }
    const tick = ticks?.tickOf(calledAtMs);
    const isOfJob = this.schedule.state === 'active';
    return new Promise((decide) => {
      this.#post({ type: 'call', calledAtMs, isOfJob, ticks, tick, decide });
    });
  }

  // --- What happens around the task ------------------------------------------

  /** To be followed by {@link look}: calls may come before it. */
  termBegan(): void {
    this.#catchUp?.termBegan();
  }

  /** Aborts runs whose term has ended, and reports those that do not end. */
  termEnded(): void {
    this.#catchUp?.termEnded();
    this.#isBehind = false;
    this.#live.forEach((run) => run.termEnded());
    this.#endOrder();
  }

  /** Something may have to be run that nobody calls for. */
  look(): void {
    if (this.hasLedger && !this.#mailbox.some(({ type }) => type === 'look')) {
      this.#post({ type: 'look' });
    }
  }

  /** Looks if the job has been started or has not called; asked now and then. */
  checkJob(): void {
    const isIdle = !this.#isWorking && !this.isBusy && !this.#inOrder;
    if (this.term() && this.#catchUp?.isLookDue(isIdle)) {
      this.look();
    }
  }

  /** Of a task without a ledger: whether it is paused, as ZooKeeper has it. */
  setPause(found: TaskPause | undefined): void {
    this.#pause = found;
  }

  /** Does nothing any more; what goes on is not interrupted. */
  dispose(): void {
    this.#isDisposed = true;
    this.close();
  }

  /** Takes no new decisions: {@link isOver} says so. */
  close(): void {
    this.#catchUp?.stopRetrying();
    this.#endOrder();
  }

  /** Calls wait no longer for a run that nothing is to follow. */
  #endOrder(): void {
    this.#inOrder = undefined;
    void this.#work();
  }

  /** Ends runs without a term, which nothing else does. */
  abortManualRuns(reason: unknown): void {
    for (const run of this.#live) {
      if (!run.term) {
        run.abort(reason);
      }
    }
  }

  /**
   * Resolves when nothing is left to decide or to record, and no run goes on but
   * those of `except`.
   */
  whenQuiet(except: WeakSet<TaskRun>): Promise<void> {
    return new Promise((resolve) => {
      this.#quiet.push({ resolve, except });
      this.#tellQuiet();
    });
  }

  // --- 2. The mailbox --------------------------------------------------------

  #post(message: Message): void {
    this.#mailbox.push(message);
    void this.#work();
  }

  async #work(): Promise<void> {
    if (this.#isWorking) {
      return;
    }
    this.#isWorking = true;
    for (let next = this.#take(); next; next = this.#take()) {
      await this.#handle(next);
    }
    this.#isWorking = false;
    this.#tellQuiet();
  }

  /** Calls come last, and not before what has to be run in order. */
  #take(): Message | undefined {
    const other = this.#mailbox.findIndex(({ type }) => type !== 'call');
    if (other >= 0) {
      return this.#mailbox.splice(other, 1)[0];
    }
    return this.#inOrder ? undefined : this.#mailbox.shift();
  }

  /** Never rejects. */
  async #handle(message: Message): Promise<void> {
    switch (message.type) {
      case 'look':
        return this.#decideOwed();
      case 'call':
        return this.#decideCall(message);
      case 'demand':
        return this.#decideDemand(message);
      case 'end':
        return this.#catchUp?.recordEnd(message.run, message.end);
    }
  }

  #tellQuiet(): void {
    if (this.#isWorking || this.#mailbox.length > 0) {
      return;
    }
    this.#quiet = this.#quiet.filter(({ resolve, except }) => {
      const isQuiet = this.#live.every((run) => except.has(run));
      if (isQuiet) {
        resolve();
      }
      return !isQuiet;
    });
  }

  // --- 3. Decisions ----------------------------------------------------------

  async #decideCall(call: Call): Promise<void> {
    const { tick, isOfJob, calledAtMs, decide } = call;
    const term = await this.#admit(isOfJob, false);
    if (
      term === 'overlap' &&
      !this.#queued &&
      this.options.overlap === 'queue-one'
    ) {
      this.#queued = call;
    } else if (typeof term === 'string') {
      if (term === 'overlap') {
        this.#catchUp?.drop(tick);
      }
      decide(this.#skip(term, tick));
    } else if (this.#catchUp) {
      await this.#decideTick(call, term, this.#catchUp);
    } else {
      // It began now, however long it waited; its tick is that of the call.
      const called = this.schedule.ticks()?.tickOf(calledAtMs);
      decide(
        this.#begin(term, 'call', called === undefined ? {} : { tick: called }),
      );
    }
  }

  async #decideDemand({
    isForced,
    requestedBy,
    answer,
  }: Demand): Promise<void> {
    const term = await this.#admit(true, isForced);
    let decided: TaskRun | Refused;
    if (typeof term === 'string') {
      decided = { reason: term };
    } else if (this.#catchUp) {
      const claim = { tick: Date.now(), requestedBy, isForced };
      decided = await this.#claimDemand(term, this.#catchUp, claim);
    } else {
      decided = this.#begin(term, 'requested', { requestedBy });
    }
    if (decided instanceof TaskRun) {
      void decided.dispatchLogged().then(answer);
      return;
    }
    const { reason, error } = decided;
    this.#skip(reason, undefined, error);
    answer({
      outcome: 'skipped',
      reason,
      ...(error !== undefined && { error: messageOf(error) }),
    });
  }

  /** Runs what nobody calls for: interrupted runs, then missed ticks. */
  async #decideOwed(): Promise<void> {
    const catchUp = this.#catchUp;
    const term = this.term();
    if (!catchUp || !term || this.isOver) {
      return;
    }
    catchUp.stopRetrying();
    this.#isBehind = this.#inOrder !== undefined;
    if (this.#isBehind) {
      return;
    }
    try {
      await catchUp.takeOver(term, Date.now(), true);
      await this.#runOwed(term, catchUp);
      catchUp.succeeded();
    } catch (error) {
      if (!(error instanceof SupersededError)) {
        catchUp.retryLater('cannot look for missed ticks', error);
      }
    }
  }

  /** Why new runs are refused; undefined if they are not. */
  #refusal(): 'closing' | 'disposed' | undefined {
    if (this.#isDisposed) {
      return 'disposed';
    }
    return this.host.isClosing ? 'closing' : undefined;
  }

  term(): LeadershipTerm | undefined {
    const { leadership } = this.election;
    return leadership.role === 'leader' ? leadership.term : undefined;
  }

  #whyNot(
    isLeading: boolean,
    isOff: boolean,
    isForced = false,
  ): SkipReason | undefined {
    return whyNot(
      {
        refusal: this.#refusal(),
        isLeading,
        isOff,
        isPaused: this.#pause !== undefined,
        isBusy: this.isBusy,
      },
      isForced,
    );
  }

  /**
   * The term to run in, if this instance leads for sure; or why nothing runs. After a
   * stall of the event loop it waits for the proof of a fresh heartbeat: a tick is
   * not lost for that.
   *
   * @param isOfJob whether nothing may run while the job is off
   */
  async #admit(
    isOfJob: boolean,
    isForced: boolean,
  ): Promise<LeadershipTerm | SkipReason> {
    const { election } = this;
    if (!election.isLeader()) {
      await election.revalidate();
    }
    if (!this.hasLedger) {
      await this.host.pauses.known;
    }
    const term = election.isLeader() ? this.term() : undefined;
    const isOff = isOfJob && this.schedule.state === 'inactive';
    const reason = this.#whyNot(term !== undefined, isOff, isForced);
    return reason ?? term ?? 'not-leading';
  }

  /** What it means for a run that its claim has failed. */
  #refusedBy(error: unknown): Refused {
    return error instanceof SupersededError
      ? { reason: this.#refusal() ?? 'not-leading' }
      : { reason: 'ledger-unavailable', error };
  }

  // --- 4. The ledger ---------------------------------------------------------

  /** Claims the tick of a call, after what is owed before it. */
  async #decideTick(
    call: Call,
    term: LeadershipTerm,
    catchUp: CatchUp,
  ): Promise<void> {
    const { tick, ticks, calledAtMs, decide } = call;
    const { ledger } = catchUp;
    try {
      await catchUp.takeOver(term, tick ?? calledAtMs);
      if ((await this.#runOwed(term, catchUp, call)) || this.isBusy) {
        this.#mailbox.unshift(call);
        return;
      }
      const now = Date.now();
      const own = tick ?? Math.max(now, ledger.lastTick + 1);
      const claimed: OpenRun | Refused = isTooLate(ledger.options, own, now, {
        calledAtMs,
        ticks,
      })
        ? { reason: 'too-late' }
        : await catchUp.claim(term, { tick: own, trigger: 'call' });
      decide(
        'reason' in claimed
          ? this.#skip(claimed.reason, own, claimed.error)
          : this.#beginClaimed(term, claimed, 'call'),
      );
    } catch (error) {
      if (error instanceof ResumedError) {
        this.#mailbox.unshift(call);
        return;
      }
      const { reason, error: problem } = this.#refusedBy(error);
      decide(this.#skip(reason, tick, problem));
      if (reason === 'ledger-unavailable') {
        catchUp.retryLater('does not run a tick', problem, tick);
      }
    }
  }

  async #claimDemand(
    term: LeadershipTerm,
    catchUp: CatchUp,
    claim: { tick: number; requestedBy: string; isForced: boolean },
  ): Promise<TaskRun | Refused> {
    const trigger = 'requested';
    try {
      await catchUp.takeOver(term, claim.tick);
      const claimed = await catchUp.claim(term, { ...claim, trigger });
      return 'reason' in claimed
        ? claimed
        : this.#beginClaimed(term, claimed, trigger);
    } catch (error) {
      return this.#refusedBy(error);
    }
  }

  /**
   * Runs what is owed before a call, or all of it. Resolves to whether a call has
   * to wait for that.
   */
  async #runOwed(
    term: LeadershipTerm,
    catchUp: CatchUp,
    call?: Call,
  ): Promise<boolean> {
    const before = (): number | undefined =>
      call ? (call.tick ?? -Infinity) : this.#firstCalledTick;
    for (;;) {
      const owed = await catchUp.next(term, before);
      if (owed === undefined || owed === 'busy') {
        this.#isBehind ||= owed === 'busy';
        return owed === 'busy';
      }
      const run = this.#beginClaimed(term, owed.open, owed.trigger);
      if (owed.isInOrder) {
        this.#inOrder = run;
        this.#isBehind = call === undefined;
      }
      void run.dispatchLogged();
      if (owed.isInOrder) {
        return true;
      }
    }
  }

  get #firstCalledTick(): number | undefined {
    const called = this.#mailbox.flatMap((message) =>
      message.type === 'call' && message.tick !== undefined
        ? [message.tick]
        : [],
    );
    return called.length === 0 ? undefined : Math.min(...called);
  }

  // --- 5. Runs ---------------------------------------------------------------

  #perform(
    run: TaskRun,
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
  ): unknown {
    this.#calls += 1;
    try {
      return run.perform(method, target, args);
    } finally {
      this.#calls -= 1;
    }
  }

  #begin(
    term: LeadershipTerm,
    trigger: RunTrigger,
    details: TaskRunDetails,
  ): TaskRun {
    const run = new TaskRun(this, term, trigger, Date.now(), details);
    this.runBegan(run);
    return run;
  }

  #beginClaimed(
    term: LeadershipTerm,
    { id, attempt, tick, requestedBy }: OpenRun,
    trigger: RunTrigger,
  ): TaskRun {
    return this.#begin(term, trigger, {
      id,
      attempt,
      ...(requestedBy === undefined ? { tick } : { requestedBy }),
    });
  }

  runBegan(run: TaskRun): void {
    if (!this.#live.includes(run)) {
      this.#live.push(run);
      this.host.runsChanged(this);
    }
  }

  runEnded(run: TaskRun, end: RunEnd): void {
    this.#post({ type: 'end', run, end });
    if (!this.isBusy) {
      this.#leaveOrder(run);
    }
  }

  runLeft(run: TaskRun): void {
    const index = this.#live.indexOf(run);
    if (index < 0) {
      return;
    }
    this.#live.splice(index, 1);
    this.host.runsChanged(this);
    this.#catchUp?.runEnded(run);
    this.#leaveOrder(run);
  }

  #leaveOrder(run: TaskRun): void {
    if (this.#inOrder === run) {
      this.#inOrder = undefined;
    }
    this.runsLeft();
  }

  /** A run of this task, or of a former one of its name, does not go on any more. */
  runsLeft(): void {
    this.formers = this.formers.filter(({ running }) => running > 0);
    if (this.#isBehind && !this.isBusy && !this.#inOrder) {
      this.look();
    }
    if (this.#queued && !this.isBusy) {
      this.#mailbox.unshift(this.#queued);
      this.#queued = undefined;
    }
    if (this.#mailbox.length > 0 || this.#quiet.length > 0) {
      void this.#work();
    }
  }

  /** Makes nothing for a call of a follower: see {@link TaskGuard.declines}. */
  #skip(reason: SkipReason, tick?: number, error?: unknown): undefined {
    const pause = reason === 'paused' ? this.paused : undefined;
    this.reporter.skipped(reason, tick, error, pause);
  }
}
