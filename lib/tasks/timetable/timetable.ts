import type { Logger } from '@nestjs/common';
import type { ManagedElection } from '../../election/leader-elections.js';
import type { LeadershipTerm } from '../../election/leadership.interface.js';
import { messageOf } from '../../message-of.js';
import type { RunTrigger } from '../leader-task-event.interface.js';
import type { LeaderTask } from '../leader-task.js';
import { SupersededError, type OpenRun } from '../ledger/ledger-document.js';
import type { RunLedger } from '../ledger/run-ledger.js';
import { pause } from '../pause.js';
import type { TaskSchedule } from '../schedule/task-schedule.interface.js';
import type { ResolvedLedgerOptions } from '../task-options.js';
import { TaskRun, type RunOutcome } from '../task-run.js';
import { Backlog } from './backlog.js';
import { CatchUpTimer } from './catch-up-timer.js';
import { MissedTicks } from './missed-ticks.js';
import { TermLedger } from './term-ledger.js';

export interface TimetableSettings {
  readonly election: ManagedElection;
  readonly ledger: RunLedger;
  readonly options: ResolvedLedgerOptions;
  readonly logger: Logger;
  /** Aborts when nothing is to be written any more. */
  readonly closing: AbortSignal;
}

/** How long a job is waited for that is not in the registry yet, or not active. */
const SCHEDULE_TIMEOUT_MS = 10_000;
const SCHEDULE_POLL_MS = 50;

/**
 * Which ticks of a task are due: claims them in the task's ledger, one after the
 * other, and catches up on those that were missed.
 *
 * Two locks, always taken in this order: the task's overlap gate, by whoever is
 * about to run something, then the turn, by whoever decides on ticks.
 */
export class Timetable {
  readonly #task: LeaderTask;
  readonly #settings: TimetableSettings;
  readonly #ledger: TermLedger;
  readonly #missed: MissedTicks;
  readonly #backlog: Backlog;
  readonly #catchUpTimer = new CatchUpTimer(() => void this.catchUp());
  #turn: Promise<unknown> = Promise.resolve();
  /** The term for which the ledger has been taken over. */
  #term: LeadershipTerm | undefined;

  constructor(task: LeaderTask, settings: TimetableSettings) {
    this.#task = task;
    this.#settings = settings;
    this.#ledger = new TermLedger({ ...settings, task: task.task });
    this.#missed = new MissedTicks(task.task, task.reporter, settings.logger);
    this.#backlog = new Backlog({
      options: settings.options,
      ledger: this.#ledger,
      missed: this.#missed,
      claim: (term, tick) => this.#claim(term, tick, 'missed'),
      run: (run, inOrder) => this.#run(run, inOrder),
    });
  }

  /** While missed ticks are run one by one: the end of that. */
  get caughtUp(): Promise<void> | undefined {
    return this.#backlog.workedOff;
  }

  /** What is being decided now: the end of that. */
  get decided(): Promise<unknown> {
    return this.#turn;
  }

  /** The tick that a call belongs to; undefined where there is no schedule. */
  tickOf(calledAtMs: number, caller: unknown): number | undefined {
    return this.#schedule(caller)?.tickOf(calledAtMs);
  }

  /** A tick is not run because of the option `overlap`. */
  drop(tick: number | undefined): void {
    if (tick !== undefined) {
      this.#missed.drop(tick);
    }
  }

  /** Takes no new decisions. */
  stop(): void {
    this.#ledger.stop();
    this.#catchUpTimer.stop();
  }

  /**
   * Claims the tick of a call, after those that come before it. Resolves to the
   * run, or to undefined if there is to be none; never rejects.
   *
   * @param tick undefined: the call is a tick of its own
   */
  async claim(tick: number | undefined): Promise<TaskRun | undefined> {
    const { reporter } = this.#task;
    try {
      return await this.#inTurn(async (term) => {
        await this.#takeOver(term, (tick ?? Date.now()) - 1);
        if (tick !== undefined) {
          await this.#workOff(term, tick - 1);
        }
        const own = tick ?? Math.max(Date.now(), this.#ledger.decided + 1);
        if (this.#ledger.isTooLate(own)) {
          return reporter.skipped('too-late', own);
        }
        const run = await this.#claim(term, own, 'call');
        if (!run) {
          const isLeading = this.#ledger.leads(term);
          reporter.skipped(isLeading ? 'claimed' : 'not-leading', own);
        }
        return run;
      });
    } catch (error) {
      if (error instanceof SupersededError) {
        const { isStopped } = this.#ledger;
        return reporter.skipped(isStopped ? 'closing' : 'not-leading', tick);
      }
      reporter.skipped('ledger-unavailable', tick, error);
      this.#complain('does not run a tick', error, tick);
      return undefined;
    }
  }

  /**
   * Takes the ledger over, for a new term, and does about missed ticks and
   * interrupted runs what the options say. Never rejects.
   */
  async catchUp(): Promise<void> {
    this.#catchUpTimer.stop();
    try {
      await this.#inGate((term) => this.#takeOver(term, Date.now()));
      const term = this.#term;
      if (term && (await this.#waitForSchedule(term))) {
        await this.#inGate(async (current) => {
          await this.#takeOver(current, Date.now());
          await this.#workOff(current, undefined);
        });
      }
    } catch (error) {
      if (!(error instanceof SupersededError)) {
        this.#complain('cannot look for missed ticks', error);
      }
    }
  }

  /** Records the end of a run; resolves when that is done or given up. */
  async finish(
    run: TaskRun,
    outcome: RunOutcome,
    error?: unknown,
  ): Promise<void> {
    const { id } = run;
    if (id === undefined) {
      return;
    }
    const isUnfinished =
      outcome === 'aborted' &&
      this.#settings.options.interruptedRun === 'rerun';
    try {
      if (!isUnfinished) {
        await this.#ledger.record(id, run, outcome, error);
      }
    } catch (problem) {
      this.#settings.logger.error(
        `The end of a run of the leader task "${this.#task.task}" (tick ` +
          `${run.tick?.toISOString()}, ${outcome}) could not be recorded in ` +
          `${this.#ledger.location}: ${messageOf(problem)}`,
      );
    } finally {
      this.#ledger.abandon(id);
    }
    if (isUnfinished) {
      // A new term that is being begun has counted the run as one that goes on.
      await this.#turn;
      if (this.#term !== run.term && this.#term) {
        // It has outlived its term, and this instance leads again.
        this.#term = undefined;
        await this.catchUp();
      }
    }
  }

  /** {@link #inTurn}, where something may have to be run. */
  async #inGate(act: (term: LeadershipTerm) => Promise<void>): Promise<void> {
    const { gate } = this.#task;
    await gate.enter();
    try {
      await this.#inTurn(act);
    } finally {
      gate.leave();
    }
  }

  /** One at a time, and only for the leader. */
  #inTurn<T>(act: (term: LeadershipTerm) => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => {
      const { leadership } = this.#settings.election;
      if (leadership.role !== 'leader' || this.#ledger.isStopped) {
        throw new SupersededError('This instance does not lead any more');
      }
      return act(leadership.term);
    });
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** Takes the ledger over, once in a term, and runs what was interrupted. */
  async #takeOver(term: LeadershipTerm, baseline: number): Promise<void> {
    if (this.#term === term) {
      return;
    }
    const interrupted = await this.#ledger.takeOver(term, baseline);
    this.#forgetDecided();
    this.#term = term;
    this.#catchUpTimer.forgive();
    for (const { run, successor } of interrupted) {
      this.#task.reporter.emit({
        type: 'interrupted',
        tick: new Date(run.tick),
        interruptedInstanceId: run.instanceId,
        attempt: run.attempt,
        willRerun: successor !== undefined,
      });
    }
    for (const { successor } of interrupted) {
      if (successor && (await this.#ledger.leadsForSure(term))) {
        await this.#run(this.#makeRun(term, successor, 'interrupted'), false);
      } else if (successor) {
        this.#ledger.abandon(successor.id);
      }
    }
  }

  async #workOff(
    term: LeadershipTerm,
    until: number | undefined,
  ): Promise<void> {
    const schedule = this.#schedule();
    // Nobody misses the ticks of a job that is disabled or has been stopped.
    if (schedule && this.#task.schedule?.isActive) {
      await this.#backlog.workOff(term, schedule, until);
    }
  }

  async #claim(
    term: LeadershipTerm,
    tick: number,
    trigger: RunTrigger,
  ): Promise<TaskRun | undefined> {
    const open = await this.#ledger.claim(term, tick);
    this.#forgetDecided();
    return open && this.#makeRun(term, open, trigger);
  }

  #forgetDecided(): void {
    this.#missed.forgetUpTo(this.#ledger.decided);
  }

  /** Runs a tick that nobody has called for. */
  async #run(run: TaskRun, inOrder: boolean): Promise<void> {
    const { gate } = this.#task;
    gate.goOnTo('run');
    const ended = this.#task.runClaimed(run);
    if (inOrder || !gate.isOpen) {
      await ended;
    }
    gate.goOnTo('decide');
  }

  #makeRun(term: LeadershipTerm, open: OpenRun, trigger: RunTrigger): TaskRun {
    const { id, tick, attempt } = open;
    return new TaskRun(this.#task, term, trigger, Date.now(), {
      id,
      tickMs: tick,
      attempt,
    });
  }

  async #waitForSchedule(term: LeadershipTerm): Promise<boolean> {
    const { schedule } = this.#task;
    if (!schedule || schedule.description?.type === 'timeout') {
      return false;
    }
    const deadline = performance.now() + SCHEDULE_TIMEOUT_MS;
    while (!schedule.isActive) {
      if (performance.now() > deadline || !this.#ledger.leads(term)) {
        return false;
      }
      await pause(SCHEDULE_POLL_MS, term.signal);
    }
    return true;
  }

  #complain(problem: string, error: unknown, tick?: number): void {
    const which =
      tick === undefined ? '' : ` (${new Date(tick).toISOString()})`;
    this.#settings.logger.error(
      `Leader task "${this.#task.task}" ${problem}${which}, because its run ` +
        `ledger ${this.#ledger.location} is not available: ${messageOf(error)}`,
    );
    const isLeading = this.#settings.election.leadership.role === 'leader';
    if (isLeading && !this.#ledger.isStopped) {
      this.#catchUpTimer.startAfterFailure();
    }
  }

  #schedule(caller?: unknown): TaskSchedule | undefined {
    return this.#task.schedule?.find(caller);
  }
}
