import type { Logger } from '@nestjs/common';
import type { ManagedElection } from '../election/leader-elections.js';
import type { LeadershipTerm } from '../election/leadership.interface.js';
import type { TaskOverlap } from '../interfaces/leader-task-options.interface.js';
import type { ResolvedTaskOptions } from '../leader-task.options.js';
import { messageOf } from '../message-of.js';
import {
  isAhead,
  isTooLate,
  planCatchUp,
  type MissedTicks,
} from './catch-up.js';
import { JobWatch } from './job-watch.js';
import type {
  LeaderTaskInfo,
  RequestedRun,
  TaskPause,
} from './leader-task-info.interface.js';
import { LeaderTaskError } from './leader-task.error.js';
import {
  ResumedError,
  SupersededError,
  type OpenRun,
  type RunEnd,
} from './ledger.js';
import type { AnyMethod, TaskGuard } from './only-leader.decorator.js';
import type { TaskSchedule } from './schedule.js';
import {
  TaskReporter,
  type SkippedTask,
  type SkipReason,
  type TaskEvents,
} from './task-events.js';
import type { Claim, TaskLedger } from './task-ledger.js';
import { runStorage, TaskRun, type TaskRunOwner } from './task-run.js';
import { TaskRunner } from './task-runner.js';
import type { Ticks } from './ticks.js';
import { unknownScheduleMessage } from '../zookeeper-leader.messages.js';

/** What the tasks of an application share. */
export interface TaskHost {
  readonly events: TaskEvents;
  readonly logger: Logger;
  /** Whether the application refuses new runs. */
  readonly isClosing: boolean;
  /** How long a run may go on after its signal has aborted. */
  readonly graceMs: number;
  readonly pauses: {
    /** While it is not known which tasks without a ledger are paused. */
    readonly known: Promise<unknown> | undefined;
  };
  /** A task has runs, or has none any more. */
  runsChanged(task: LeaderTask): void;
  /** A task with a ledger was found paused: it wants to know of the end. */
  pauseFound(task: LeaderTask): void;
}

export interface LeaderTaskSettings {
  readonly name: string;
  readonly election: ManagedElection;
  readonly options: Omit<ResolvedTaskOptions, 'ledger' | 'overlap'> & {
    readonly overlap: TaskOverlap;
  };
  readonly schedule: TaskSchedule;
  /** Whether a call may be answered later than it was made. */
  readonly canWait: boolean;
  /** Calls the task as its scheduler does, through all decorators. */
  readonly invoke: (...args: unknown[]) => unknown;
  readonly ledger: TaskLedger | undefined;
  readonly host: TaskHost;
  /** Whether a first call without a schedule is worth a warning. */
  readonly warnsUnscheduled: boolean;
}

/** A call that has to be decided. */
interface Call {
  readonly calledAtMs: number;
  /** Whether a job was under way then: it may have been stopped since. */
  readonly isOfJob: boolean;
  readonly ticks: Ticks | undefined;
  readonly tick: number | undefined;
  readonly decide: (run: TaskRun | undefined) => void;
}

/** A run that somebody asks for, wherever. */
export interface Demand {
  readonly requestedBy: string;
  readonly isForced: boolean;
  readonly answer: (answer: Omit<RequestedRun, 'task' | 'instanceId'>) => void;
}

type Message =
  /** Look for what is to be done: interrupted runs and missed ticks. */
  | { readonly type: 'look' }
  | { readonly type: 'call'; readonly call: Call }
  | { readonly type: 'demand'; readonly demand: Demand }
  | { readonly type: 'end'; readonly run: TaskRun; readonly end: RunEnd };

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
const FAR_AHEAD_MS = 86_400_000;

/**
 * One leader task of an application. A call that needs no question to ZooKeeper is
 * decided at once; everything else goes through one mailbox, whose messages are
 * handled one at a time and never wait for the end of a run:
 *
 * - a call: is its tick to be run?
 * - look: a term has begun, a job has become active, a tick is overdue;
 * - a demand: somebody asks for a run;
 * - a run has ended and must be recorded.
 *
 * The end of a term is not a message: it aborts the runs at once.
 */
export class LeaderTask implements TaskGuard, TaskRunOwner {
  readonly task: string;
  readonly election: ManagedElection;
  readonly electionName: string;
  readonly reporter: TaskReporter;
  readonly ledger: TaskLedger | undefined;
  readonly schedule: TaskSchedule;
  readonly #settings: LeaderTaskSettings;
  readonly #host: TaskHost;
  readonly #overlap: TaskOverlap;
  readonly #runner: TaskRunner;
  readonly #jobs: JobWatch;
  readonly #mailbox: Message[] = [];
  #isWorking = false;
  #quiet: {
    readonly resolve: () => void;
    readonly except: WeakSet<TaskRun>;
  }[] = [];
  /** With `queue-one`: the call that waits for the end of a run. */
  #queued: Call | undefined;
  /** A missed tick that is run before the next one and before any call. */
  #inOrder: TaskRun | undefined;
  /** Runs that take the place of interrupted ones. */
  #successors: OpenRun[] = [];
  /** Whether something could not be run because of a run that goes on. */
  #isBehind = false;
  #reported = -Infinity;
  readonly #dropped = new Set<number>();
  /** Up to then the job itself has left ticks out. */
  #leftOut = -Infinity;
  #termEnd = new AbortController();
  #failures = 0;
  #retryTimer: NodeJS.Timeout | undefined;
  #aheadReported: LeadershipTerm | undefined;
  #isDisposed = false;
  #warnsUnscheduled: boolean;
  #pause: TaskPause | undefined;

  constructor(settings: LeaderTaskSettings) {
    const { name, election, options, host, ledger } = settings;
    this.#settings = settings;
    this.#host = host;
    this.task = name;
    this.election = election;
    this.electionName = election.name;
    this.ledger = ledger;
    this.schedule = settings.schedule;
    this.#overlap = options.overlap;
    this.#warnsUnscheduled = settings.warnsUnscheduled;
    this.#jobs = new JobWatch(settings.schedule);
    this.reporter = new TaskReporter(host.events, {
      task: name,
      election: election.name,
      instanceId: election.instanceId,
    });
    this.#runner = new TaskRunner({
      task: name,
      election,
      options,
      hasLedger: ledger !== undefined,
      reporter: this.reporter,
      logger: host.logger,
      graceMs: host.graceMs,
      invoke: settings.invoke,
      isRefused: () => this.#refusal() !== undefined,
      onEnd: (run, end) => this.#post({ type: 'end', run, end }),
      onChange: (left) => this.#runsChanged(left),
    });
  }

  /** Number of runs that go on. */
  get running(): number {
    return this.#runner.live.length;
  }

  get runs(): readonly TaskRun[] {
    return [...this.#runner.live];
  }

  /** Whether the task, or its application, has ended. */
  get isOver(): boolean {
    return this.#refusal() !== undefined;
  }

  get paused(): TaskPause | undefined {
    return this.ledger ? this.ledger.pause : this.#pause;
  }

  info(): LeaderTaskInfo {
    const { description, state } = this.schedule;
    const next =
      state === 'active' ? this.schedule.ticks()?.next(Date.now()) : undefined;
    const { paused } = this;
    return Object.freeze({
      task: this.task,
      election: this.electionName,
      ...(description && { schedule: description }),
      ...(state !== 'none' && { isActive: state === 'active' }),
      ...(next !== undefined && { nextTick: new Date(next) }),
      hasLedger: this.ledger !== undefined,
      ...(paused && { paused }),
      running: this.running,
      counts: Object.freeze({ ...this.reporter.counts }),
    });
  }

  tickAt(timeMs: number): number | undefined {
    return this.schedule.ticks()?.tickOf(timeMs);
  }

  // --- Calls -----------------------------------------------------------------

  declines(): boolean {
    if (this.election.leadership.role === 'leader') {
      return false;
    }
    const run = this.#currentRun();
    if (run && run.state !== 'ended') {
      return false;
    }
    this.#skip(this.#refusal() ?? 'not-leading');
    return true;
  }

  call(method: AnyMethod, target: unknown, args: ArrayLike<unknown>): unknown {
    const current = this.#currentRun();
    if (current?.state === 'decided') {
      return this.#runner.perform(current, method, target, args);
    }
    if (current?.state === 'live') {
      // Recursion, or super: part of the run.
      return Reflect.apply(method, target, args);
    }
    const calledAtMs = this.election.leadsAtMs();
    if (
      calledAtMs !== undefined &&
      this.ledger === undefined &&
      this.#refusal() === undefined &&
      this.#pause === undefined &&
      this.#host.pauses.known === undefined &&
      (this.#runner.live.length === 0 || this.#overlap === 'allow')
    ) {
      const run = new TaskRun(this, this.#term(), 'call', calledAtMs);
      return this.#runner.perform(run, method, target, args);
    }
    return this.#callLater(calledAtMs, method, target, args);
  }

  /** Runs the task as its scheduler would, also on a follower. */
  runHere(args: unknown[]): Promise<unknown> {
    const run = new TaskRun(this, this.#term(), 'manual', Date.now());
    return this.#runner.dispatch(run, args);
  }

  /** Asks for a run on behalf of somebody; the answer comes with its end. */
  demand(demand: Demand): void {
    this.#post({ type: 'demand', demand });
  }

  // --- What happens around the task ------------------------------------------

  termBegan(): void {
    this.#termEnd = new AbortController();
    this.look();
  }

  /** Aborts runs whose term has ended, and reports those that do not end. */
  termEnded(): void {
    this.#termEnd.abort();
    this.#successors.splice(0).forEach(({ id }) => this.ledger?.abandon(id));
    this.#isBehind = false;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#runner.termEnded();
  }

  /** Something may have to be run that nobody calls for. */
  look(): void {
    if (this.ledger && !this.#mailbox.some(({ type }) => type === 'look')) {
      this.#post({ type: 'look' });
    }
  }

  /**
   * Whether the job has been started, or has not called for a tick; to be asked
   * now and then while this instance leads.
   */
  checkJob(): void {
    const { ledger, schedule } = this;
    if (!ledger || !this.#term() || this.#retryTimer) {
      return;
    }
    const isDeciding =
      this.#isWorking || !ledger.term || ledger.pause || !this.#mayRunNow;
    const question = isDeciding ? undefined : this.#question(schedule.ticks());
    if (this.#jobs.isLookDue(question)) {
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
    this.ledger?.stop();
    clearTimeout(this.#retryTimer);
  }

  /** Takes no new decisions. */
  close(): void {
    this.ledger?.stop();
    clearTimeout(this.#retryTimer);
  }

  /** Ends runs without a term, which nothing else does. */
  abortManualRuns(reason: unknown): void {
    this.#runner.abortManualRuns(reason);
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

  // --- The mailbox -----------------------------------------------------------

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
        return this.#lookNow();
      case 'call':
        return this.#decide(message.call);
      case 'demand':
        return this.#meet(message.demand);
      case 'end':
        return this.#record(message.run, message.end);
    }
  }

  #tellQuiet(): void {
    if (this.#isWorking || this.#mailbox.length > 0) {
      return;
    }
    this.#quiet = this.#quiet.filter(({ resolve, except }) => {
      const isQuiet = this.#runner.live.every((run) => except.has(run));
      if (isQuiet) {
        resolve();
      }
      return !isQuiet;
    });
  }

  // --- Deciding --------------------------------------------------------------

  /** Why new runs are refused; undefined if they are not. */
  #refusal(): 'closing' | 'disposed' | undefined {
    if (this.#isDisposed) {
      return 'disposed';
    }
    return this.#host.isClosing ? 'closing' : undefined;
  }

  /** The run of this task that the caller is in. */
  #currentRun(): TaskRun | undefined {
    // Looking costs more than most of a guarded call.
    const run = this.#runner.isBusy ? runStorage.getStore() : undefined;
    return run?.owner === this ? run : undefined;
  }

  #term(): LeadershipTerm | undefined {
    const { leadership } = this.election;
    return leadership.role === 'leader' ? leadership.term : undefined;
  }

  #callLater(
    calledAtMs: number | undefined,
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
  ): unknown {
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      return this.#skip(refusal);
    }
    if (
      this.election.leadership.role !== 'leader' ||
      (calledAtMs === undefined && !this.#settings.canWait)
    ) {
      return this.#skip('not-leading');
    }
    if (this.ledger === undefined && this.#pause !== undefined) {
      return this.#skip('paused');
    }
    if (
      this.ledger === undefined &&
      this.#overlap === 'skip' &&
      this.#runner.live.length > 0
    ) {
      return this.#skip('overlap');
    }
    if (!this.#settings.canWait && this.#runner.live.length === 0) {
      // It cannot wait to hear whether it is paused.
      const run = new TaskRun(this, this.#term(), 'call', calledAtMs as number);
      return this.#runner.perform(run, method, target, args);
    }
    return this.#callWhenDecided(calledAtMs, method, target, args);
  }

  async #callWhenDecided(
    calledAtMs = Date.now(),
    method: AnyMethod,
    target: unknown,
    args: ArrayLike<unknown>,
  ): Promise<unknown> {
    const ticks = this.ledger && this.schedule.ticks(target);
    if (this.ledger && !ticks && this.#warnsUnscheduled) {
      this.#warnsUnscheduled = false;
      this.#host.logger.warn(unknownScheduleMessage(this.task));
    }
    const tick = ticks?.tickOf(calledAtMs);
    const isOfJob = this.schedule.state === 'active';
    const run = await new Promise<TaskRun | undefined>((decide) => {
      const call = { calledAtMs, isOfJob, ticks, tick, decide };
      this.#post({ type: 'call', call });
    });
    return run && this.#runner.perform(run, method, target, args);
  }

  async #decide(call: Call): Promise<void> {
    const { tick } = call;
    const skip = (reason: SkipReason): void =>
      call.decide(this.#skip(reason, tick));
    if (!this.election.isLeader()) {
      // Without proof, as after a stall of the event loop: the tick is not lost
      // if a fresh heartbeat gives the proof.
      await this.election.revalidate();
    }
    if (!this.ledger) {
      await this.#host.pauses.known;
    }
    const refusal = this.#refusal();
    const term = this.#term();
    if (refusal !== undefined) {
      skip(refusal);
    } else if (!term || !this.election.isLeader()) {
      skip('not-leading');
    } else if (call.isOfJob && this.schedule.state === 'inactive') {
      skip('inactive');
    } else if (!this.#mayRunNow) {
      if (this.#overlap === 'skip' || this.#queued) {
        this.#drop(tick);
        skip('overlap');
      } else {
        this.#queued = call;
      }
    } else if (this.ledger) {
      await this.#claimFor(call, term, this.ledger);
    } else if (this.#pause) {
      skip('paused');
    } else {
      const run = new TaskRun(this, term, 'call', call.calledAtMs);
      this.#runner.enter(run);
      call.decide(run);
    }
  }

  get #mayRunNow(): boolean {
    return this.#overlap === 'allow' || this.#runner.live.length === 0;
  }

  /** Claims the tick of a call, after those that come before it. */
  async #claimFor(
    call: Call,
    term: LeadershipTerm,
    ledger: TaskLedger,
  ): Promise<void> {
    const { tick, ticks, calledAtMs } = call;
    try {
      await this.#takeOver(term, ledger, tick ?? calledAtMs);
      const isWorkLeft =
        (await this.#runSuccessors(term, ledger)) ||
        (tick !== undefined && (await this.#catchUp(term, ledger, tick)));
      if (isWorkLeft || !this.#mayRunNow) {
        this.#mailbox.unshift({ type: 'call', call });
        return;
      }
      const now = Date.now();
      const own = tick ?? Math.max(now, ledger.lastTick + 1);
      const isLate = isTooLate(ledger.options, own, now, { calledAtMs, ticks });
      call.decide(
        isLate
          ? this.#skip('too-late', own)
          : await this.#claim(term, ledger, { tick: own, trigger: 'call' }),
      );
    } catch (error) {
      if (error instanceof ResumedError) {
        this.#mailbox.unshift({ type: 'call', call });
      } else if (error instanceof SupersededError) {
        const reason = ledger.isStopped
          ? (this.#refusal() ?? 'closing')
          : 'not-leading';
        call.decide(this.#skip(reason, tick));
      } else {
        call.decide(this.#skip('ledger-unavailable', tick, { error }));
        this.#complain('does not run a tick', error, tick);
      }
    }
  }

  /** Does what nobody calls for: interrupted runs, then missed ticks. */
  async #lookNow(): Promise<void> {
    const { ledger } = this;
    const term = this.#term();
    if (!ledger || !term || this.#refusal() !== undefined) {
      return;
    }
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#isBehind = false;
    if (ledger.pause || ledger.hasHeldRuns) {
      // That may have changed.
      ledger.term = undefined;
    }
    try {
      await this.#takeOver(term, ledger, Date.now());
      if (!(await this.#runSuccessors(term, ledger))) {
        await this.#catchUp(term, ledger);
      }
    } catch (error) {
      if (!(error instanceof SupersededError)) {
        this.#complain('cannot look for missed ticks', error);
      }
    }
  }

  async #takeOver(
    term: LeadershipTerm,
    ledger: TaskLedger,
    calledAtMs: number,
  ): Promise<void> {
    if (ledger.term === term) {
      return;
    }
    const now = Date.now();
    const ticks = this.schedule.ticks();
    const due = ticks?.previous(now, -Infinity) ?? now;
    const { interrupted, successors } = await ledger.takeOver(term, {
      baseline: Math.min(due, calledAtMs),
      isOff: this.schedule.state === 'inactive',
      until: this.#termEnd.signal,
    });
    this.#forgetDecided(ledger);
    this.#failures = 0;
    this.#jobs.reset();
    this.#successors = successors;
    for (const { run, willRerun } of interrupted) {
      this.reporter.emit(() => ({
        type: 'interrupted',
        runId: run.id,
        tick: new Date(run.tick),
        interruptedInstanceId: run.instanceId,
        attempt: run.attempt,
        willRerun,
      }));
    }
    this.#warnIfAhead(term, ledger);
    if (ledger.pause) {
      this.#host.pauseFound(this);
    }
  }

  /** Resolves to whether calls have to wait for that. */
  async #runSuccessors(
    term: LeadershipTerm,
    ledger: TaskLedger,
  ): Promise<boolean> {
    while (this.#successors.length > 0) {
      if (!this.#mayRunNow) {
        this.#isBehind = true;
        return true;
      }
      const isOff = this.schedule.state === 'inactive';
      const mayRun = !isOff && (await ledger.leadsForSure(term));
      const open = this.#successors.shift();
      if (open && mayRun) {
        ledger.begin(open);
        const run = this.#makeRun(term, open, 'interrupted');
        void this.#runner.dispatchLogged(run);
      } else if (open) {
        ledger.abandon(open.id);
        ledger.hasHeldRuns = true;
      }
    }
    return false;
  }

  /**
   * Does about missed ticks what the options say. Resolves to whether there is
   * more to do before a call.
   *
   * @param called the tick that is being called for
   */
  async #catchUp(
    term: LeadershipTerm,
    ledger: TaskLedger,
    called?: number,
  ): Promise<boolean> {
    const ticks =
      this.schedule.state === 'active' ? this.schedule.ticks() : undefined;
    const before = called ?? this.#nextCalledTick;
    const plan = planCatchUp({
      ...this.#question(ticks),
      ...(before !== undefined && { before }),
    });
    this.#reported = plan.reported;
    if (plan.missed) {
      this.#tellMissed(plan.missed);
    }
    if (plan.run === undefined || !this.#mayRunNow) {
      this.#isBehind = plan.run !== undefined;
      return this.#isBehind;
    }
    const run = await this.#claim(term, ledger, {
      tick: plan.run,
      trigger: 'missed',
    });
    if (!run) {
      // Somebody else has decided it: is there another one?
      return ledger.leads(term) && this.#catchUp(term, ledger, called);
    }
    if (plan.isInOrder) {
      this.#inOrder = run;
      this.#isBehind = called === undefined;
    }
    void this.#runner.dispatchLogged(run);
    return plan.isInOrder;
  }

  /** Resolves to the run, or to undefined after the call has been skipped. */
  async #claim(
    term: LeadershipTerm,
    ledger: TaskLedger,
    claim: Claim,
  ): Promise<TaskRun | undefined> {
    const { tick, trigger } = claim;
    const open = await ledger.claim(term, claim, this.#termEnd.signal);
    this.#forgetDecided(ledger);
    if (typeof open !== 'string') {
      ledger.begin(open);
      return this.#makeRun(term, open, trigger);
    }
    if (open === 'paused') {
      this.#host.pauseFound(this);
    }
    if (trigger !== 'missed') {
      const error =
        open === 'claimed' ? this.#warnIfAhead(term, ledger) : undefined;
      this.#skip(
        error
          ? 'ledger-unavailable'
          : ledger.leads(term)
            ? open
            : 'not-leading',
        tick,
        error && { error },
      );
    }
    return undefined;
  }

  /** Somebody asks for a run. */
  async #meet(demand: Demand): Promise<void> {
    const { isForced, requestedBy } = demand;
    const isLeading = await this.election.revalidate();
    const term = this.#term();
    const refuse = (reason: SkipReason, error?: unknown): void => {
      this.#skip(
        reason,
        undefined,
        error === undefined ? undefined : { error },
      );
      demand.answer({
        outcome: 'skipped',
        reason,
        ...(error !== undefined && { error: messageOf(error) }),
      });
    };
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      return refuse(refusal);
    }
    if (!term || !isLeading) {
      return refuse('not-leading');
    }
    if (!isForced && this.schedule.state === 'inactive') {
      return refuse('inactive');
    }
    if (!isForced && !this.#mayRunNow) {
      return refuse('overlap');
    }
    if (!this.ledger) {
      await this.#host.pauses.known;
      if (this.#pause && !isForced) {
        return refuse('paused');
      }
      const run = new TaskRun(this, term, 'requested', Date.now(), {
        requestedBy,
      });
      this.#runner.enter(run);
      void this.#runner.dispatchLogged(run).then(demand.answer);
      return;
    }
    try {
      const { ledger } = this;
      await this.#takeOver(term, ledger, Date.now());
      const open = await ledger.claim(
        term,
        { tick: Date.now(), trigger: 'requested', requestedBy, isForced },
        this.#termEnd.signal,
      );
      if (typeof open === 'string') {
        return refuse(open);
      }
      ledger.begin(open);
      const run = this.#makeRun(term, open, 'requested');
      void this.#runner.dispatchLogged(run).then(demand.answer);
      return;
    } catch (error) {
      return error instanceof SupersededError
        ? refuse('not-leading')
        : refuse('ledger-unavailable', error);
    }
  }

  // --- Runs ------------------------------------------------------------------

  #makeRun(
    term: LeadershipTerm,
    open: OpenRun,
    trigger: Claim['trigger'],
  ): TaskRun {
    const run = new TaskRun(this, term, trigger, Date.now(), {
      id: open.id,
      attempt: open.attempt,
      ...(open.requestedBy === undefined
        ? { tick: open.tick }
        : { requestedBy: open.requestedBy }),
    });
    this.#runner.enter(run);
    return run;
  }

  /** @param left a run that does not go on any more */
  #runsChanged(left: TaskRun | undefined): void {
    this.#host.runsChanged(this);
    if (!left) {
      return;
    }
    if (this.ledger && this.schedule.waitsForCompletion) {
      this.#leftOut = Date.now();
    }
    if (this.#inOrder === left) {
      this.#inOrder = undefined;
    }
    const isIdle = this.#runner.live.length === 0;
    if (this.#isBehind && isIdle) {
      this.look();
    }
    if (this.#queued && isIdle) {
      this.#mailbox.unshift({ type: 'call', call: this.#queued });
      this.#queued = undefined;
    }
    if (this.#mailbox.length > 0 || this.#quiet.length > 0) {
      void this.#work();
    }
  }

  /** Writes the end of a run into the ledger. */
  async #record(run: TaskRun, end: RunEnd): Promise<void> {
    const { ledger } = this;
    if (!ledger) {
      return;
    }
    const isUnfinished =
      end.outcome === 'aborted' &&
      run.requestedBy === undefined &&
      ledger.options.interruptedRun === 'rerun';
    if (isUnfinished) {
      ledger.abandon(run.runId);
      if (this.#term() && this.#term() !== run.term) {
        // It has outlived its term, and this instance leads again.
        ledger.term = undefined;
        this.look();
      }
      return;
    }
    try {
      await ledger.finish(run, end);
    } catch (problem) {
      this.#host.logger.error(
        `The end of a run of the leader task "${this.task}" (tick ` +
          `${run.tick?.toISOString()}, ${end.outcome}) could not be recorded in ` +
          `${ledger.location}: ${messageOf(problem)}`,
      );
    }
  }

  // --- Helpers ---------------------------------------------------------------

  #question(ticks: Ticks | undefined) {
    const ledger = this.ledger as TaskLedger;
    return {
      options: ledger.options,
      now: Date.now(),
      ticks,
      isPaused: ledger.pause !== undefined,
      decided: Math.max(ledger.decided, this.#leftOut),
      reported: this.#reported,
      dropped: this.#dropped,
    };
  }

  get #nextCalledTick(): number | undefined {
    const called = this.#mailbox.flatMap((message) =>
      message.type === 'call' && message.call.tick !== undefined
        ? [message.call.tick]
        : [],
    );
    return called.length === 0 ? undefined : Math.min(...called);
  }

  #skip(
    reason: SkipReason,
    tick?: number,
    more?: Pick<SkippedTask, 'error'>,
  ): undefined {
    const found = reason === 'paused' ? this.paused : undefined;
    this.reporter.skipped(reason, tick, found ? { pause: found } : more);
  }

  /** A tick is not run because of the option `overlap`. */
  #drop(tick: number | undefined): void {
    if (this.ledger && tick !== undefined) {
      this.#dropped.add(tick);
    }
  }

  #forgetDecided(ledger: TaskLedger): void {
    for (const tick of this.#dropped) {
      if (tick <= ledger.lastTick) {
        this.#dropped.delete(tick);
      }
    }
  }

  #tellMissed({ count, first, last }: MissedTicks): void {
    this.reporter.missed({ count, first, last });
    const [from, to] = [first, last].map((tick) =>
      new Date(tick).toISOString(),
    );
    this.#host.logger.warn(
      `Leader task "${this.task}": nobody has run ` +
        (count === 1
          ? `the tick ${from}`
          : `${count} ticks from ${from} to ${to}`),
    );
  }

  /** Said once in a term. */
  #warnIfAhead(
    term: LeadershipTerm,
    ledger: TaskLedger,
  ): LeaderTaskError | undefined {
    const ticks = this.schedule.ticks();
    if (!isAhead(ledger.lastTick, ticks, Date.now())) {
      return undefined;
    }
    const until = new Date(ledger.lastTick).toISOString();
    const error = new LeaderTaskError(
      'LEDGER_AHEAD',
      `The run ledger of the leader task "${this.task}" says that every tick up ` +
        `to ${until} has been run, which is in the future: the clock of this ` +
        'leader, or of a former one, is wrong. No tick is run until then. Correct ' +
        'the clock. If the ledger itself is wrong, delete the znode ' +
        `${ledger.location}: the task begins a new ledger and forgets the old runs.`,
    );
    if (this.#aheadReported !== term) {
      this.#aheadReported = term;
      // A clock that is an hour off is soon right again.
      const isFar = ledger.lastTick - Date.now() > FAR_AHEAD_MS;
      this.#host.logger[isFar ? 'error' : 'warn'](error.message);
    }
    return error;
  }

  #complain(problem: string, error: unknown, tick?: number): void {
    const { ledger } = this;
    const which =
      tick === undefined ? '' : ` (${new Date(tick).toISOString()})`;
    this.#host.logger.error(
      `Leader task "${this.task}" ${problem}${which}, because its run ledger ` +
        `${ledger?.location} is not available: ${messageOf(error)}`,
    );
    if (this.#term() && this.#refusal() === undefined) {
      clearTimeout(this.#retryTimer);
      const pauseMs = Math.min(
        LONGEST_PAUSE_MS,
        FIRST_PAUSE_MS * 2 ** Math.min(this.#failures, 10),
      );
      this.#failures += 1;
      this.#retryTimer = setTimeout(() => this.look(), pauseMs).unref();
    }
  }
}
