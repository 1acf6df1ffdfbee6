import type { Logger } from '@nestjs/common';
import type { LeadershipTerm } from '../../election/leadership.interface.js';
import type { ResolvedLedgerOptions } from '../../leader-task.options.js';
import {
  ledgerAheadMessage,
  ledgerUnavailableMessage,
  missedTicksMessage,
  runEndNotRecordedMessage,
} from '../../zookeeper-leader.messages.js';
import { DroppedTicks } from './dropped-ticks.js';
import { LeaderTaskError } from '../leader-task.error.js';
import type { OpenRun, RunEnd } from './ledger.js';
import type { TaskSchedule } from '../schedule/schedules.js';
import type { Ticks } from '../schedule/ticks.js';
import type { SkipReason } from '../leader-task-info.interface.js';
import type { TaskReporter } from '../task-events.js';
import { TaskLedger, type Claim, type LedgerOwner } from './task-ledger.js';
import { backoff } from '../../within.js';
import {
  isAhead,
  nextDue,
  planCatchUp,
  type CatchUpQuestion,
} from './catch-up-rules.js';
import type { TaskRun } from '../task-run.js';

/** Of a tick that its job did not call for. */
const OVERDUE_MS = 1_000;
const FAR_AHEAD_MS = 86_400_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** The task that has to catch up. */
export interface CatchUpOwner extends LedgerOwner {
  readonly schedule: TaskSchedule;
  readonly reporter: TaskReporter;
  readonly host: LedgerOwner['host'] & { readonly logger: Logger };
  /** Whether a run goes on that was called for. */
  readonly isCalled: boolean;
  /** Whether a run is in the way of another one. */
  readonly isBusy: boolean;
  /** The term in which this instance leads. */
  term(): LeadershipTerm | undefined;
}

/** Why nothing runs. */
export interface Refused {
  readonly reason: SkipReason;
  readonly error?: unknown;
}

/** A run that nobody calls for, claimed and ready to begin. */
export interface OwedRun {
  readonly open: OpenRun;
  readonly trigger: 'interrupted' | 'missed';
  /** Whether the next one, and calls, wait for its end. */
  readonly isInOrder: boolean;
}

/**
 * What a leader does with the ledger of a task: it claims ticks, and finds out what
 * it owes without being called for it. That is runs in the place of interrupted ones,
 * and ticks that nobody ran. The rules are in task-rules.ts; here is what they
 * have to be asked with.
 */
export class CatchUp {
  readonly ledger: TaskLedger;
  readonly #owner: CatchUpOwner;
  /** Runs that take the place of interrupted ones. */
  #successors: OpenRun[] = [];
  /** Missed ticks up to this one have been reported. */
  #reported = -Infinity;
  readonly #dropped = new DroppedTicks();
  /** Up to then the job itself has left ticks out. */
  #leftOut = -Infinity;
  #wasActive = false;
  #aheadReported: LeadershipTerm | undefined;
  #overdue: { readonly tick: number; readonly sinceMs: number } | undefined;
  #failures = 0;
  #retryTimer: NodeJS.Timeout | undefined;

  constructor(owner: CatchUpOwner, options: ResolvedLedgerOptions) {
    this.#owner = owner;
    this.ledger = new TaskLedger(owner, options);
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
    if (isLook && (ledger.isPaused || ledger.hasHeldRuns)) {
      ledger.term = undefined;
    }
    if (ledger.term === term) {
      return;
    }
    const now = Date.now();
    const due = this.#owner.schedule.ticks()?.previous(now, -Infinity) ?? now;
    const { interrupted, successors } = await ledger.takeOver(term, {
      baseline: Math.min(due, calledAtMs),
      isOff: this.#owner.schedule.state === 'inactive',
    });
    this.#successors = successors;
    this.#wasActive = this.#owner.schedule.state === 'active';
    this.#overdue = undefined;
    for (const { run, willRerun } of interrupted) {
      this.#owner.reporter.emit(() => ({
        type: 'interrupted',
        runId: run.id,
        tick: new Date(run.tick),
        interruptedInstanceId: run.instanceId,
        attempt: run.attempt,
        willRerun,
      }));
    }
    this.#aheadError(term);
  }

  /**
   * The next owed run; `busy`: there is one, and a run is in its way.
   *
   * @param before missed ticks from this one on are left to a call; undefined: to
   * nobody. Asked whenever it matters
   */
  async next(
    term: LeadershipTerm,
    before: () => number | undefined,
  ): Promise<OwedRun | 'busy' | undefined> {
    return (
      (await this.#nextSuccessor(term)) ??
      (await this.#nextMissed(term, before))
    );
  }

  /** Claims a run, after {@link takeOver}. */
  async claim(term: LeadershipTerm, claim: Claim): Promise<OpenRun | Refused> {
    const open = await this.ledger.claim(term, claim);
    if (typeof open !== 'string') {
      this.#failures = 0;
      return open;
    }
    const error = open === 'claimed' ? this.#aheadError(term) : undefined;
    if (error) {
      return { reason: 'ledger-unavailable', error };
    }
    return { reason: this.ledger.leads(term) ? open : 'not-leading' };
  }

  /** Writes the end of a run into the ledger. Never rejects. */
  async recordEnd(run: TaskRun, end: RunEnd): Promise<void> {
    const { ledger } = this;
    const isUnfinished =
      end.outcome === 'aborted' &&
      run.requestedBy === undefined &&
      ledger.options.interruptedRun === 'rerun';
    if (isUnfinished) {
      ledger.abandon(run.runId);
      const term = this.#owner.term();
      if (term && term !== run.term) {
        // It has outlived its term, and this instance leads again.
        ledger.term = undefined;
        this.#owner.look();
      }
      return;
    }
    try {
      await ledger.finish(run, end);
    } catch (problem) {
      this.#owner.host.logger.error(
        runEndNotRecordedMessage(
          this.#owner.task,
          { tick: run.tick, outcome: end.outcome },
          ledger.location,
          problem,
        ),
      );
    }
  }

  /** Everything owed has been looked at. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** Looks again after a while, unless a later leader has taken over. */
  retryLater(problem: string, error: unknown, tick?: number): void {
    const { host, task, isOver } = this.#owner;
    host.logger.error(
      ledgerUnavailableMessage(
        task,
        problem,
        tick,
        this.ledger.location,
        error,
      ),
    );
    if (this.#owner.term() && !isOver) {
      this.#failures += 1;
      const pauseMs = backoff(this.#failures, FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
      this.stopRetrying();
      this.#retryTimer = setTimeout(() => this.#owner.look(), pauseMs).unref();
    }
  }

  stopRetrying(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
  }

  /** A ledger from the future lets no tick run; logged once in a term. */
  #aheadError(term: LeadershipTerm): LeaderTaskError | undefined {
    const { decided, location } = this.ledger;
    if (!isAhead(decided, this.#owner.schedule.ticks(), Date.now())) {
      return undefined;
    }
    const message = ledgerAheadMessage(this.#owner.task, decided, location);
    if (this.#aheadReported !== term) {
      this.#aheadReported = term;
      // A clock that is an hour off is soon right again.
      const isFar = decided - Date.now() > FAR_AHEAD_MS;
      this.#owner.host.logger[isFar ? 'error' : 'warn'](message);
    }
    return new LeaderTaskError('LEDGER_AHEAD', message);
  }

  termBegan(): void {
    this.ledger.termBegan();
  }

  /** The next leader finds what has not begun. */
  termEnded(): void {
    this.ledger.termEnded();
    this.stopRetrying();
    this.#successors.splice(0).forEach(({ id }) => this.ledger.abandon(id));
  }

  /** A tick is not run because of the option `overlap`: nobody misses it. */
  drop(tick: number | undefined): void {
    this.#dropped.forget(this.ledger.lastTick);
    if (tick !== undefined) {
      this.#dropped.add(tick, this.#owner.schedule.ticks());
    }
  }

  /** A run has ended. The job itself waits for nothing but its own calls. */
  runEnded({ trigger }: TaskRun): void {
    if (trigger === 'call') {
      this.#leaveOut();
    }
  }

  #leaveOut(): void {
    if (this.#owner.schedule.waitsForCompletion) {
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
    if (this.#retryTimer) {
      return false;
    }
    const isActive = this.#owner.schedule.state === 'active';
    const hasStarted = isActive && !this.#wasActive;
    this.#wasActive = isActive;
    const mayBeOverdue =
      isActive &&
      isIdle &&
      this.ledger.term !== undefined &&
      !this.ledger.isPaused;
    return hasStarted || this.#hasOverdueTick(mayBeOverdue);
  }

  #hasOverdueTick(isAsked: boolean): boolean {
    const ticks = isAsked ? this.#owner.schedule.ticks() : undefined;
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
  ): Promise<OwedRun | 'busy' | undefined> {
    const { ledger } = this;
    while (this.#successors.length > 0) {
      if (this.#owner.isBusy) {
        return 'busy';
      }
      const isOff =
        ledger.isPaused || this.#owner.schedule.state === 'inactive';
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
    before: () => number | undefined,
  ): Promise<OwedRun | 'busy' | undefined> {
    const { ledger } = this;
    for (;;) {
      const isActive = this.#owner.schedule.state === 'active';
      const limit = before();
      const plan = planCatchUp({
        ...this.#question(isActive ? this.#owner.schedule.ticks() : undefined),
        ...(limit !== undefined && { before: limit }),
      });
      this.#reported = plan.reported;
      if (plan.missed) {
        this.#owner.reporter.missed(plan.missed);
        this.#owner.host.logger.warn(
          missedTicksMessage(this.#owner.task, plan.missed),
        );
      }
      if (plan.run === undefined) {
        return undefined;
      }
      if (this.#owner.isBusy) {
        return 'busy';
      }
      const open = await ledger.claim(term, {
        tick: plan.run,
        trigger: 'missed',
      });
      if (typeof open !== 'string') {
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
    if (this.#owner.isCalled) {
      this.#leaveOut();
    }
    return {
      options: ledger.options,
      now: Date.now(),
      ticks,
      isPaused: ledger.isPaused,
      decided: Math.max(ledger.decided, this.#leftOut),
      reported: this.#reported,
      dropped: this.#dropped,
    };
  }
}
