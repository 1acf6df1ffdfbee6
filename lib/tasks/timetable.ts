import { randomUUID } from 'node:crypto';
import type { Logger } from '@nestjs/common';
import type { ManagedElection } from '../election/leader-elections.js';
import type { LeadershipTerm } from '../election/leadership.interface.js';
import type { LeaderTask } from './leader-task.js';
import type { RunTrigger } from './leader-task-event.interface.js';
import {
  claimed,
  finished,
  newLedger,
  released,
  SupersededError,
  takenOver,
  type LedgerDocument,
  type OpenRun,
} from './ledger/ledger-document.js';
import type { RunLedger } from './ledger/run-ledger.js';
import { pause } from './pause.js';
import type { TaskSchedule } from './schedule/task-schedule.interface.js';
import type { ResolvedLedgerOptions } from './task-options.js';
import { TaskRun } from './task-run.js';

export type RunOutcome = 'finished' | 'failed' | 'aborted';

export interface TimetableSettings {
  readonly election: ManagedElection;
  readonly ledger: RunLedger;
  readonly options: ResolvedLedgerOptions;
  readonly logger: Logger;
  /** Aborts when nothing is to be written any more. */
  readonly closing: AbortSignal;
}

/** Counting missed ticks goes no further. */
const MOST_COUNTED = 100;
/** How long a schedule is waited for that is not in the registry yet. */
const SCHEDULE_TIMEOUT_MS = 10_000;
const SCHEDULE_POLL_MS = 50;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/**
 * Which ticks of a task are due, and who has run them: claims them in the
 * task's ledger, one after the other, and catches up on those that were missed.
 *
 * Two locks, always taken in this order: the task's overlap gate, by whoever is
 * about to run something, then the turn, by whoever decides on ticks.
 */
export class Timetable {
  readonly #task: LeaderTask;
  readonly #election: ManagedElection;
  readonly #ledger: RunLedger;
  readonly #options: ResolvedLedgerOptions;
  readonly #settings: TimetableSettings;
  /** Runs of this process whose end is not recorded yet, by their id. */
  readonly #alive = new Set<string>();
  /** Ticks not run because of a run that went on: nobody has missed them. */
  readonly #dropped = new Set<number>();
  #turn: Promise<unknown> = Promise.resolve();
  /** The term for which the ledger has been taken over. */
  #term: LeadershipTerm | undefined;
  /** Last tick that is decided, by the ledger. */
  #decided = -Infinity;
  /** Last tick that has been reported as missed. */
  #reported = -Infinity;
  #backlog: Promise<void> | undefined;
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(task: LeaderTask, settings: TimetableSettings) {
    this.#task = task;
    this.#settings = settings;
    this.#election = settings.election;
    this.#ledger = settings.ledger;
    this.#options = settings.options;
  }

  /** While missed ticks are run one by one: the end of that. */
  get caughtUp(): Promise<void> | undefined {
    return this.#backlog;
  }

  /** The tick that a call belongs to; undefined where there is no schedule. */
  tickOf(calledAtMs: number, caller: unknown): number | undefined {
    return this.#schedule(caller)?.tickOf(calledAtMs);
  }

  /** A tick is not run because of the option `overlap`. */
  drop(tick: number | undefined): void {
    if (tick !== undefined) {
      this.#dropped.add(tick);
    }
  }

  /** Takes no new decisions. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
  }

  /**
   * Claims the tick of a call, after those that come before it. Resolves to the
   * run, or to undefined if there is to be none; never rejects.
   *
   * @param tick undefined: the call is a tick of its own
   */
  async claim(tick: number | undefined): Promise<TaskRun | undefined> {
    try {
      return await this.#inTurn(async (term) => {
        await this.#takeOver(term, (tick ?? Date.now()) - 1);
        if (tick !== undefined) {
          await this.#workOff(term, tick - 1);
        }
        const own = tick ?? Math.max(Date.now(), this.#decided + 1);
        if (this.#isTooLate(own)) {
          this.#task.skip('too-late', own);
          return undefined;
        }
        const run = await this.#claim(term, own, 'call');
        if (!run) {
          this.#task.skip(this.#leads(term) ? 'claimed' : 'not-leading', own);
        }
        return run;
      });
    } catch (error) {
      if (error instanceof SupersededError) {
        this.#task.skip(this.#isStopped ? 'closing' : 'not-leading', tick);
      } else {
        this.#task.skip('ledger-unavailable', tick, error);
        this.#complain('does not run a tick', error, tick);
      }
      return undefined;
    }
  }

  /**
   * Takes the ledger over, for a new term, and does about missed ticks and
   * interrupted runs what the options say. Never rejects.
   */
  async catchUp(): Promise<void> {
    clearTimeout(this.#retry);
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
      outcome === 'aborted' && this.#options.interruptedRun === 'rerun';
    try {
      if (!isUnfinished) {
        await this.#record(id, run, outcome, error);
      }
    } catch (problem) {
      this.#settings.logger.error(
        `The end of a run of the leader task "${this.#task.task}" (tick ` +
          `${run.tick?.toISOString()}, ${outcome}) could not be recorded in ` +
          `${this.#ledger.location}: ${messageOf(problem)}`,
      );
    } finally {
      this.#alive.delete(id);
    }
    if (isUnfinished && this.#term !== run.term && this.#term) {
      // It has outlived its term, and this instance leads again.
      this.#term = undefined;
      await this.catchUp();
    }
  }

  async #record(
    id: string,
    run: TaskRun,
    outcome: RunOutcome,
    error: unknown,
  ): Promise<void> {
    const durationMs = Date.now() - run.startedAtMs;
    await this.#ledger.change((ledger) => {
      const open = ledger?.open.find((each) => each.id === id);
      return (
        ledger &&
        open &&
        finished(
          ledger,
          {
            ...open,
            attempt: run.attempt,
            outcome,
            durationMs,
            ...(outcome !== 'finished' && { error: messageOf(error) }),
          },
          this.#options.historySize,
        )
      );
    }, this.#settings.closing);
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
      const { leadership } = this.#election;
      if (leadership.role !== 'leader' || this.#isStopped) {
        throw new SupersededError('This instance does not lead any more');
      }
      return act(leadership.term);
    });
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** Begins a term: from here on, a late write of an earlier one fails. */
  async #takeOver(term: LeadershipTerm, baseline: number): Promise<void> {
    if (this.#term === term) {
      return;
    }
    const successors = new Map<string, OpenRun>();
    const interrupted = new Map<string, OpenRun>();
    const isMine = (id: string): boolean =>
      this.#alive.has(id) ||
      [...successors.values()].some((run) => run.id === id);
    const ledger = await this.#ledger.change((known) => {
      this.#assertLeads(term);
      for (const id of interrupted.keys()) {
        // Asked again: what counts is what the ledger says now.
        const successor = successors.get(id);
        if (!known?.open.some((run) => run.id === successor?.id)) {
          interrupted.delete(id);
        }
      }
      const { task } = this.#task;
      const before = known ?? newLedger(task, term.fencingToken, baseline);
      return takenOver(before, {
        token: term.fencingToken,
        historySize: this.#options.historySize,
        isAlive: ({ id }) => isMine(id),
        successorOf: (run) => {
          interrupted.set(run.id, run);
          if (
            this.#options.interruptedRun === 'skip' ||
            this.#isTooLate(run.tick)
          ) {
            return undefined;
          }
          const successor =
            successors.get(run.id) ??
            this.#open(term, run.tick, run.attempt + 1);
          successors.set(run.id, successor);
          return successor;
        },
      });
    }, term.signal);
    this.#follow(ledger);
    this.#term = term;
    this.#failures = 0;
    for (const run of interrupted.values()) {
      this.#task.emit({
        type: 'interrupted',
        tick: new Date(run.tick),
        interruptedInstanceId: run.instanceId,
        attempt: run.attempt,
        willRerun: successors.has(run.id),
      });
    }
    const reruns = [...successors.values()].filter((successor) =>
      ledger?.open.some(({ id }) => id === successor.id),
    );
    for (const { id } of reruns) {
      this.#alive.add(id);
    }
    for (const open of reruns) {
      if (await this.#leadsForSure(term)) {
        await this.#run(this.#makeRun(term, open, 'interrupted'), false);
      } else {
        // It stays open: whoever leads next runs it.
        this.#alive.delete(open.id);
      }
    }
  }

  /**
   * Does about the ticks that nobody ran, up to `until`, what the options say.
   *
   * @param until undefined: up to now, and the last one may be run late
   */
  async #workOff(
    term: LeadershipTerm,
    until: number | undefined,
  ): Promise<void> {
    const schedule = this.#schedule();
    if (!schedule) {
      return;
    }
    if (this.#options.missedTicks === 'all') {
      await this.#runAll(term, schedule, until);
    } else if (until === undefined && this.#options.missedTicks === 'latest') {
      await this.#runLatest(term, schedule);
    } else {
      this.#passOver(schedule, until ?? Date.now());
    }
  }

  async #runLatest(
    term: LeadershipTerm,
    schedule: TaskSchedule,
  ): Promise<void> {
    let tick = schedule.previous(Date.now(), this.#decided);
    while (tick !== undefined && this.#dropped.has(tick)) {
      tick = schedule.previous(tick - 1, this.#decided);
    }
    if (tick === undefined) {
      return;
    }
    if (this.#isTooLate(tick)) {
      this.#passOver(schedule, tick);
      return;
    }
    this.#passOver(schedule, tick - 1);
    const run = await this.#claim(term, tick, 'missed');
    if (run) {
      await this.#run(run, false);
    }
  }

  async #runAll(
    term: LeadershipTerm,
    schedule: TaskSchedule,
    until: number | undefined,
  ): Promise<void> {
    const earliest = Date.now() - this.#options.maxLatenessMs;
    this.#passOver(schedule, Math.min(earliest - 1, until ?? Date.now()));
    let endBacklog: (() => void) | undefined;
    let after = Math.max(this.#decided, earliest - 1);
    try {
      while (this.#leads(term)) {
        const tick = schedule.next(after);
        if (tick === undefined || tick > (until ?? Date.now())) {
          return;
        }
        after = tick;
        if (!this.#dropped.has(tick)) {
          if (!endBacklog) {
            this.#backlog = new Promise((resolve) => {
              endBacklog = resolve;
            });
          }
          const run = await this.#claim(term, tick, 'missed');
          if (run) {
            await this.#run(run, true);
          }
        }
      }
    } finally {
      if (endBacklog) {
        this.#backlog = undefined;
        endBacklog();
      }
    }
  }

  /** Tells, once, of ticks up to `until` that nobody has run or will run. */
  #passOver(schedule: TaskSchedule, until: number): void {
    const after = Math.max(this.#decided, this.#reported);
    if (!(until > after)) {
      return;
    }
    const missed: number[] = [];
    for (
      let tick = schedule.next(after);
      tick !== undefined && tick <= until && missed.length < MOST_COUNTED;
      tick = schedule.next(tick)
    ) {
      if (!this.#dropped.has(tick)) {
        missed.push(tick);
      }
    }
    this.#reported = until;
    const [first] = missed;
    if (first !== undefined) {
      const last = schedule.previous(until, after) ?? first;
      this.#task.counts.missed += missed.length;
      this.#task.emit({
        type: 'missed',
        tick: new Date(first),
        lastTick: new Date(last),
        count: missed.length,
      });
      this.#settings.logger.warn(
        `Leader task "${this.#task.task}": nobody has run ` +
          (missed.length === 1
            ? `the tick ${new Date(first).toISOString()}`
            : `${missed.length}${missed.length === MOST_COUNTED ? ' or more' : ''} ticks ` +
              `from ${new Date(first).toISOString()} to ${new Date(last).toISOString()}`),
      );
    }
  }

  async #claim(
    term: LeadershipTerm,
    tick: number,
    trigger: RunTrigger,
  ): Promise<TaskRun | undefined> {
    const open = this.#open(term, tick, 1);
    let formerTick = tick;
    this.#alive.add(open.id);
    try {
      const ledger = await this.#ledger.change((known) => {
        const before =
          known ?? newLedger(this.#task.task, term.fencingToken, tick - 1);
        if (before.open.some(({ id }) => id === open.id)) {
          // The reply of the write was lost, not the write.
          return undefined;
        }
        this.#assertLeads(term);
        formerTick = before.tick;
        return claimed(before, open);
      }, term.signal);
      this.#follow(ledger);
      if (!ledger?.open.some(({ id }) => id === open.id)) {
        this.#alive.delete(open.id);
        return undefined;
      }
    } catch (error) {
      this.#alive.delete(open.id);
      throw error;
    }
    if (await this.#leadsForSure(term)) {
      return this.#makeRun(term, open, trigger);
    }
    await this.#release(open, formerTick);
    return undefined;
  }

  /** Gives a claim back that leads to no run, where that is still possible. */
  async #release(open: OpenRun, formerTick: number): Promise<void> {
    try {
      await this.#ledger.change(
        (ledger) => ledger && released(ledger, open, formerTick),
        // One attempt: whoever leads now finds the claim if it stays.
        AbortSignal.abort(),
      );
    } catch {
      // It stays, as an interrupted run.
    } finally {
      this.#alive.delete(open.id);
    }
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

  async #waitForSchedule(term: LeadershipTerm): Promise<boolean> {
    const { schedule } = this.#task;
    if (!schedule || schedule.description?.type === 'timeout') {
      return false;
    }
    const deadline = performance.now() + SCHEDULE_TIMEOUT_MS;
    while (!schedule.find()) {
      if (performance.now() > deadline || !this.#leads(term)) {
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
    this.#retryLater();
  }

  #retryLater(): void {
    clearTimeout(this.#retry);
    if (this.#isStopped || this.#election.leadership.role !== 'leader') {
      return;
    }
    const pauseMs = Math.min(
      LONGEST_RETRY_MS,
      FIRST_RETRY_MS * 2 ** Math.min(this.#failures, 10),
    );
    this.#failures += 1;
    this.#retry = setTimeout(() => void this.catchUp(), pauseMs).unref();
  }

  #follow(ledger: LedgerDocument | undefined): void {
    this.#decided = ledger?.tick ?? -Infinity;
    for (const tick of this.#dropped) {
      if (tick <= this.#decided) {
        this.#dropped.delete(tick);
      }
    }
  }

  #open(term: LeadershipTerm, tick: number, attempt: number): OpenRun {
    return {
      id: randomUUID(),
      tick,
      attempt,
      instanceId: this.#election.instanceId,
      token: term.fencingToken,
      startedAt: Date.now(),
    };
  }

  #makeRun(term: LeadershipTerm, open: OpenRun, trigger: RunTrigger): TaskRun {
    const { id, tick, attempt } = open;
    return new TaskRun(this.#task, term, trigger, {
      id,
      tickMs: tick,
      attempt,
    });
  }

  #schedule(caller?: unknown): TaskSchedule | undefined {
    return this.#task.schedule?.find(caller);
  }

  #isTooLate(tick: number): boolean {
    return Date.now() - tick > this.#options.maxLatenessMs;
  }

  #leads(term: LeadershipTerm): boolean {
    return !term.signal.aborted && !this.#isStopped;
  }

  #assertLeads(term: LeadershipTerm): void {
    if (!this.#leads(term)) {
      throw new SupersededError('This instance does not lead any more');
    }
  }

  /** Also by the clock, at this very moment. */
  async #leadsForSure(term: LeadershipTerm): Promise<boolean> {
    return (await this.#election.revalidate()) && this.#leads(term);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
