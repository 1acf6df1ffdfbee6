import type { LeadershipTerm } from '../../election/leadership.interface.js';
import type { TaskSchedule } from '../schedule/task-schedule.interface.js';
import type { ResolvedLedgerOptions } from '../task-options.js';
import type { TaskRun } from '../task-run.js';
import type { MissedTicks } from './missed-ticks.js';
import type { TermLedger } from './term-ledger.js';

export interface BacklogSettings {
  readonly options: ResolvedLedgerOptions;
  readonly ledger: TermLedger;
  readonly missed: MissedTicks;
  readonly claim: (
    term: LeadershipTerm,
    tick: number,
  ) => Promise<TaskRun | undefined>;
  /** @param inOrder whether to wait for the end, even if runs may overlap */
  readonly run: (run: TaskRun, inOrder: boolean) => Promise<void>;
}

/** The ticks that nobody ran, and what the option `missedTicks` says of them. */
export class Backlog {
  readonly #settings: BacklogSettings;
  #workedOff: Promise<void> | undefined;

  constructor(settings: BacklogSettings) {
    this.#settings = settings;
  }

  /** While ticks are run one by one: the end of that. */
  get workedOff(): Promise<void> | undefined {
    return this.#workedOff;
  }

  /**
   * Does about ticks up to `until` what the options say.
   *
   * @param until undefined: up to now, and the last one may be run late
   */
  async workOff(
    term: LeadershipTerm,
    schedule: TaskSchedule,
    until: number | undefined,
  ): Promise<void> {
    const { missedTicks } = this.#settings.options;
    if (missedTicks === 'all') {
      await this.#runAll(term, schedule, until);
    } else if (until === undefined && missedTicks === 'latest') {
      await this.#runLatest(term, schedule);
    } else {
      this.#passOver(schedule, until ?? Date.now() - schedule.longestWaitMs);
    }
  }

  async #runLatest(
    term: LeadershipTerm,
    schedule: TaskSchedule,
  ): Promise<void> {
    const { ledger, missed, claim, run } = this.#settings;
    let tick = schedule.previous(Date.now(), ledger.decided);
    while (tick !== undefined && missed.isDropped(tick)) {
      tick = schedule.previous(tick - 1, ledger.decided);
    }
    if (tick === undefined) {
      return;
    }
    if (ledger.isTooLate(tick)) {
      this.#passOver(schedule, tick);
      return;
    }
    this.#passOver(schedule, tick - 1);
    const claimed = await claim(term, tick);
    if (claimed) {
      await run(claimed, false);
    }
  }

  async #runAll(
    term: LeadershipTerm,
    schedule: TaskSchedule,
    until: number | undefined,
  ): Promise<void> {
    const { ledger, missed, options, claim, run } = this.#settings;
    let end: (() => void) | undefined;
    let after = ledger.decided;
    try {
      while (ledger.leads(term)) {
        // While one is run, those after it may become too late.
        const tooLate = Date.now() - options.maxLatenessMs - 1;
        this.#passOver(schedule, Math.min(tooLate, until ?? Date.now()));
        after = Math.max(after, tooLate);
        const tick = schedule.next(after);
        if (tick === undefined || tick > (until ?? Date.now())) {
          return;
        }
        after = tick;
        if (!missed.isDropped(tick)) {
          if (!end) {
            this.#workedOff = new Promise((resolve) => {
              end = resolve;
            });
          }
          const claimed = await claim(term, tick);
          if (claimed) {
            await run(claimed, true);
          }
        }
      }
    } finally {
      if (end) {
        this.#workedOff = undefined;
        end();
      }
    }
  }

  #passOver(schedule: TaskSchedule, until: number): void {
    const { ledger, missed } = this.#settings;
    missed.passOver(schedule, ledger.decided, until);
  }
}
