import { nextDue, type CatchUpQuestion } from './catch-up.js';
import type { TaskSchedule } from './schedule.js';

/** Of a tick that its job did not call for. */
const OVERDUE_MS = 1_000;

/**
 * Notices that a job has been started, or that it has not called for a tick, as
 * when `cron` is late by more than its threshold. Asked now and then.
 */
export class JobWatch {
  readonly #schedule: TaskSchedule;
  #wasActive = false;
  #overdue: { readonly tick: number; readonly sinceMs: number } | undefined;

  constructor(schedule: TaskSchedule) {
    this.#schedule = schedule;
  }

  /** Missed ticks are being looked for now. */
  reset(): void {
    this.#wasActive = this.#schedule.state === 'active';
    this.#overdue = undefined;
  }

  /**
   * Whether missed ticks have to be looked for.
   *
   * @param question undefined while ticks are being decided, or may not run
   */
  isLookDue(question: CatchUpQuestion | undefined): boolean {
    const hasStarted = !this.#wasActive && this.#schedule.state === 'active';
    this.#wasActive ||= hasStarted;
    if (hasStarted) {
      return true;
    }
    this.#wasActive = this.#schedule.state === 'active';
    const ticks = this.#wasActive ? question?.ticks : undefined;
    const tick = ticks && question && nextDue(question);
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
}
