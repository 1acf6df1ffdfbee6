import type { Logger } from '@nestjs/common';
import type { LeadershipTerm } from '../election/leadership.interface.js';
import {
  ledgerAheadMessage,
  missedTicksMessage,
} from '../zookeeper-leader.messages.js';
import {
  isAhead,
  nextDue,
  planCatchUp,
  type CatchUpQuestion,
} from './catch-up.js';
import { LeaderTaskError } from './leader-task.error.js';
import type { OpenRun } from './ledger.js';
import type { TaskSchedule } from './schedule/schedules.js';
import type { TaskReporter } from './task-events.js';
import type { TaskLedger } from './task-ledger.js';
import type { Ticks } from './schedule/ticks.js';

/** Of a tick that its job did not call for. */
const OVERDUE_MS = 1_000;
const FAR_AHEAD_MS = 86_400_000;

/** A run that nobody calls for, claimed and ready to begin. */
export interface OwedRun {
  readonly open: OpenRun;
  readonly trigger: 'interrupted' | 'missed';
  /** Whether the next one, and calls, wait for its end. */
  readonly isInOrder: boolean;
}

/** What limits the owed runs, asked whenever it matters. */
export interface BacklogLimits {
  /** Whether a run is in the way of another one. */
  readonly isBusy: () => boolean;
  /** Missed ticks from this one on are left to a call; undefined: to nobody. */
  readonly before: () => number | undefined;
}

/**
 * What the leader owes without being called: runs that take the place of
 * interrupted ones, and ticks that nobody ran. The rules are in catch-up.ts; here
 * is what they have to be asked with.
 */
export class Backlog {
  readonly ledger: TaskLedger;
  readonly #schedule: TaskSchedule;
  readonly #reporter: TaskReporter;
  readonly #logger: Logger;
  /** Runs that take the place of interrupted ones. */
  #successors: OpenRun[] = [];
  /** Missed ticks up to this one have been reported. */
  #reported = -Infinity;
  readonly #dropped = new Set<number>();
  /** Up to then the job itself has left ticks out. */
  #leftOut = -Infinity;
  #wasActive = false;
  #aheadReported: LeadershipTerm | undefined;
  #overdue: { readonly tick: number; readonly sinceMs: number } | undefined;

  constructor(
    ledger: TaskLedger,
    schedule: TaskSchedule,
    reporter: TaskReporter,
    logger: Logger,
  ) {
    this.ledger = ledger;
    this.#schedule = schedule;
    this.#reporter = reporter;
    this.#logger = logger;
  }

  /**
   * Takes the ledger over, unless this term has done so.
   *
   * @param isLook what was held back by a pause or a stopped job may run now
   */
  async takeOver(
    term: LeadershipTerm,
    calledAtMs: number,
    isLook = false,
  ): Promise<void> {
    const { ledger } = this;
    if (isLook && (ledger.pause || ledger.hasHeldRuns)) {
      ledger.term = undefined;
    }
    if (ledger.term === term) {
      return;
    }
    const now = Date.now();
    const due = this.#schedule.ticks()?.previous(now, -Infinity) ?? now;
    const { interrupted, successors } = await ledger.takeOver(term, {
      baseline: Math.min(due, calledAtMs),
      isOff: this.#schedule.state === 'inactive',
    });
    this.#successors = successors;
    this.#wasActive = this.#schedule.state === 'active';
    this.#overdue = undefined;
    for (const { run, willRerun } of interrupted) {
      this.#reporter.emit(() => ({
        type: 'interrupted',
        runId: run.id,
        tick: new Date(run.tick),
        interruptedInstanceId: run.instanceId,
        attempt: run.attempt,
        willRerun,
      }));
    }
    this.aheadError(term);
  }

  /** The next owed run; `busy`: there is one, and a run is in its way. */
  async next(
    term: LeadershipTerm,
    limits: BacklogLimits,
  ): Promise<OwedRun | 'busy' | undefined> {
    return (
      (await this.#nextSuccessor(term, limits)) ??
      (await this.#nextMissed(term, limits))
    );
  }

  /** A ledger from the future lets no tick run; logged once in a term. */
  aheadError(term: LeadershipTerm): LeaderTaskError | undefined {
    const { lastTick, location } = this.ledger;
    if (!isAhead(lastTick, this.#schedule.ticks(), Date.now())) {
      return undefined;
    }
    const message = ledgerAheadMessage(this.#reporter.task, lastTick, location);
    if (this.#aheadReported !== term) {
      this.#aheadReported = term;
      // A clock that is an hour off is soon right again.
      const isFar = lastTick - Date.now() > FAR_AHEAD_MS;
      this.#logger[isFar ? 'error' : 'warn'](message);
    }
    return new LeaderTaskError('LEDGER_AHEAD', message);
  }

  /** The term has ended: the next leader finds what has not begun. */
  abandon(): void {
    this.#successors.splice(0).forEach(({ id }) => this.ledger.abandon(id));
  }

  /** A tick is not run because of the option `overlap`: nobody misses it. */
  drop(tick: number | undefined): void {
    const decided = this.ledger.lastTick;
    this.#dropped.forEach(
      (each) => each <= decided && this.#dropped.delete(each),
    );
    if (tick !== undefined) {
      this.#dropped.add(tick);
    }
  }

  /** A run has ended. */
  runEnded(): void {
    if (this.#schedule.waitsForCompletion) {
      this.#leftOut = Date.now();
    }
  }

  /**
   * Whether a job has been started, or has not called for a tick, as when `cron`
   * is late by more than its threshold. To be asked now and then.
   *
   * @param isIdle false while ticks are being decided, or may not run
   */
  isLookDue(isIdle: boolean): boolean {
    const isActive = this.#schedule.state === 'active';
    const hasStarted = isActive && !this.#wasActive;
    this.#wasActive = isActive;
    return hasStarted || this.#hasOverdueTick(isActive && isIdle);
  }

  #hasOverdueTick(isAsked: boolean): boolean {
    const ticks = isAsked ? this.#schedule.ticks() : undefined;
    const tick = ticks && nextDue(this.#question(ticks));
    const nowMs = performance.now();
    if (
      tick === undefined ||
      !ticks ||
      tick + ticks.longestWaitMs >= Date.now()
    ) {
      this.#overdue = undefined;
    } else if (this.#overdue?.tick !== tick) {
      this.#overdue = { tick, sinceMs: nowMs };
    } else if (nowMs - this.#overdue.sinceMs >= OVERDUE_MS) {
      this.#overdue = undefined;
      return true;
    }
    return false;
  }

  async #nextSuccessor(
    term: LeadershipTerm,
    { isBusy }: BacklogLimits,
  ): Promise<OwedRun | 'busy' | undefined> {
    const { ledger } = this;
    while (this.#successors.length > 0) {
      if (isBusy()) {
        return 'busy';
      }
      const isOff = this.#schedule.state === 'inactive';
      const mayRun = !isOff && (await ledger.leadsForSure(term));
      const open = this.#successors.shift();
      if (open && mayRun) {
        ledger.begin(open);
        return { open, trigger: 'interrupted', isInOrder: false };
      }
      if (open) {
        ledger.abandon(open.id);
        ledger.hasHeldRuns = true;
      }
    }
    return undefined;
  }

  async #nextMissed(
    term: LeadershipTerm,
    { isBusy, before }: BacklogLimits,
  ): Promise<OwedRun | 'busy' | undefined> {
    const { ledger } = this;
    for (;;) {
      const isActive = this.#schedule.state === 'active';
      const limit = before();
      const plan = planCatchUp({
        ...this.#question(isActive ? this.#schedule.ticks() : undefined),
        ...(limit !== undefined && { before: limit }),
      });
      this.#reported = plan.reported;
      if (plan.missed) {
        this.#reporter.missed(plan.missed);
        this.#logger.warn(missedTicksMessage(this.#reporter.task, plan.missed));
      }
      if (plan.run === undefined) {
        return undefined;
      }
      if (isBusy()) {
        return 'busy';
      }
      const open = await ledger.claim(term, {
        tick: plan.run,
        trigger: 'missed',
      });
      if (typeof open !== 'string') {
        ledger.begin(open);
        return { open, trigger: 'missed', isInOrder: plan.isInOrder };
      }
      if (open !== 'claimed') {
        return undefined;
      }
      // Somebody else has decided it: is there another one?
    }
  }

  #question(ticks: Ticks | undefined): CatchUpQuestion {
    const { ledger } = this;
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
}
