import type { LedgerView } from '../cluster/cluster-view.interface.js';

/** The ticks of a task after `afterMs` and up to `untilMs`, `most` at most. */
export type TicksBetween = (
  task: string,
  afterMs: number,
  untilMs: number,
  most: number,
) => readonly number[];

interface Audited {
  ledger: LedgerView;
  /** Ticks that have been worked out, the oldest first. */
  ticks: number[];
  /** Up to when they have been. */
  untilMs: number;
  missed: readonly Date[] | undefined;
}

/** Of each task. */
const MOST_TICKS = 500;
/** To work a tick out may take a millisecond, and leadership waits meanwhile. */
const TICKS_AT_ONCE = 2;
const LONGEST_WORK_MS = 3;

/**
 * Finds ticks that no run is recorded of, between the first and the last that
 * the ledger of a task knows, a little at a time.
 */
export class TickAudit {
  readonly #ticksBetween: TicksBetween;
  readonly #tasks = new Map<string, Audited>();

  constructor(ticksBetween: TicksBetween) {
    this.#ticksBetween = ticksBetween;
  }

  /** Ticks without a run; undefined while that is not known. */
  missed(ledger: LedgerView): readonly Date[] | undefined {
    const known = this.#tasks.get(ledger.task);
    if (known?.ledger === ledger) {
      return known.missed;
    }
    const firstMs = firstTickOf(ledger);
    const isContinued = known !== undefined && known.untilMs >= firstMs;
    const audited: Audited = {
      ledger,
      ticks: isContinued ? known.ticks : [],
      untilMs: isContinued ? known.untilMs : firstMs,
      missed: isContinued ? known.missed : undefined,
    };
    this.#tasks.set(ledger.task, audited);
    this.#judge(audited);
    return audited.missed;
  }

  /** Forgets tasks that have no ledger any more. */
  keep(tasks: ReadonlySet<string>): void {
    for (const task of this.#tasks.keys()) {
      if (!tasks.has(task)) {
        this.#tasks.delete(task);
      }
    }
  }

  /** Works on for a few milliseconds; returns whether something is left. */
  work(): boolean {
    const deadlineMs = performance.now() + LONGEST_WORK_MS;
    for (const audited of this.#tasks.values()) {
      while (audited.untilMs < decidedMs(audited.ledger)) {
        if (performance.now() >= deadlineMs) {
          return true;
        }
        this.#advance(audited);
      }
    }
    return false;
  }

  #advance(audited: Audited): void {
    const { ledger, untilMs } = audited;
    const endMs = decidedMs(ledger);
    const ticks = this.#ticksBetween(
      ledger.task,
      untilMs,
      endMs,
      TICKS_AT_ONCE,
    );
    audited.ticks = [...audited.ticks, ...ticks].slice(-MOST_TICKS);
    audited.untilMs =
      ticks.length < TICKS_AT_ONCE ? endMs : (ticks.at(-1) as number);
    this.#judge(audited);
  }

  #judge(audited: Audited): void {
    const { ledger, untilMs } = audited;
    if (untilMs < decidedMs(ledger)) {
      return;
    }
    const firstMs = firstTickOf(ledger);
    const ran = new Set(ledger.runs.map(({ tick }) => tick.getTime()));
    audited.ticks = audited.ticks.filter((tick) => tick >= firstMs);
    audited.missed = audited.ticks
      .filter((tick) => !ran.has(tick))
      .map((tick) => new Date(tick));
  }
}

/** Infinity without a run: nothing is looked for. */
function firstTickOf({ runs }: LedgerView): number {
  return Math.min(...runs.map(({ tick }) => tick.getTime()));
}

function decidedMs({ decidedTick }: LedgerView): number {
  return decidedTick?.getTime() ?? -Infinity;
}
