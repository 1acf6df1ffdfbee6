import type { LeaderTaskRun } from '../leader-task-info.interface.js';

/** A run that has claimed its tick, and of which no end is recorded. */
export interface OpenRun {
  /** Unique to the run. */
  readonly id: string;
  readonly tick: number;
  readonly attempt: number;
  readonly instanceId: string;
  readonly token: number;
  readonly startedAt: number;
}

/** A run that has ended, one way or another. */
export interface PastRun extends OpenRun {
  readonly outcome: Exclude<LeaderTaskRun['outcome'], 'running'>;
  readonly durationMs?: number;
  readonly error?: string;
}

/** What the znode of a ledger holds, as JSON. Times are epoch milliseconds. */
export interface LedgerDocument {
  readonly format: typeof FORMAT;
  /** Name of the task. */
  readonly task: string;
  /** Fencing token of the leader that wrote last; never goes back. */
  readonly token: number;
  /** Every tick up to this one has been decided; only later ones are claimed. */
  readonly tick: number;
  readonly open: readonly OpenRun[];
  /** The oldest first. */
  readonly past: readonly PastRun[];
}

export const FORMAT = 'nestjs-zookeeper-leader/run-ledger/1';

/** A leader of a later term has written: this one is over. */
export class SupersededError extends Error {
  override readonly name = 'SupersededError';
}

const LONGEST_ERROR = 300;
const MOST_OPEN_RUNS = 1_000;

export function newLedger(
  task: string,
  token: number,
  tick: number,
): LedgerDocument {
  return { format: FORMAT, task, token, tick, open: [], past: [] };
}

/** What has to be known to take a ledger over. */
export interface TakeOver {
  readonly token: number;
  /** Whether a run still goes on in this process. */
  readonly isAlive: (run: OpenRun) => boolean;
  /** The run that takes the place of an interrupted one; undefined: none. */
  readonly successorOf: (run: OpenRun) => OpenRun | undefined;
  readonly historySize: number;
}

/** The ledger as the leader of a new term goes on with it. */
export function takenOver(
  ledger: LedgerDocument,
  { token, isAlive, successorOf, historySize }: TakeOver,
): LedgerDocument {
  refuseOlder(ledger, token);
  const interrupted = ledger.open.filter((run) => !isAlive(run));
  return {
    ...ledger,
    token,
    open: [
      ...ledger.open.filter(isAlive),
      ...interrupted.flatMap((run) => successorOf(run) ?? []),
    ],
    past: recent(
      [
        ...ledger.past,
        ...interrupted.map(
          (run) => ({ ...run, outcome: 'interrupted' }) as const,
        ),
      ],
      historySize,
    ),
  };
}

/** The ledger with a claimed tick; undefined if the claim comes too late. */
export function claimed(
  ledger: LedgerDocument,
  run: OpenRun,
): LedgerDocument | undefined {
  refuseOlder(ledger, run.token);
  if (run.tick <= ledger.tick) {
    return undefined;
  }
  if (ledger.open.length >= MOST_OPEN_RUNS) {
    throw new Error(
      `${MOST_OPEN_RUNS} runs of the leader task "${ledger.task}" go on already. ` +
        "Set its option overlap to 'skip' or 'queue-one'.",
    );
  }
  return {
    ...ledger,
    token: run.token,
    tick: run.tick,
    open: [...ledger.open, run],
  };
}

/** The ledger after the end of a run; undefined if the run is not open. */
export function finished(
  ledger: LedgerDocument,
  run: PastRun,
  historySize: number,
): LedgerDocument | undefined {
  if (!ledger.open.some(({ id }) => id === run.id)) {
    return undefined;
  }
  const past = {
    ...run,
    ...(run.error !== undefined && {
      error: run.error.slice(0, LONGEST_ERROR),
    }),
  };
  return {
    ...ledger,
    open: ledger.open.filter(({ id }) => id !== run.id),
    past: recent([...ledger.past, past], historySize),
  };
}

/**
 * The ledger after a claim that led to no run; undefined if the run is not open.
 * The tick may be claimed again, unless a later one has been.
 */
export function released(
  ledger: LedgerDocument,
  run: OpenRun,
  formerTick: number,
): LedgerDocument | undefined {
  if (!ledger.open.some(({ id }) => id === run.id)) {
    return undefined;
  }
  return {
    ...ledger,
    tick: ledger.tick === run.tick ? formerTick : ledger.tick,
    open: ledger.open.filter(({ id }) => id !== run.id),
  };
}

/** Runs for people, the newest first. */
export function runsOf({ open, past }: LedgerDocument): LeaderTaskRun[] {
  return [
    ...past,
    ...open.map((run) => ({ ...run, outcome: 'running' }) as const),
  ]
    .toSorted((a, b) => a.startedAt - b.startedAt)
    .toReversed()
    .map(({ tick, attempt, instanceId, token, startedAt, outcome, ...end }) => {
      const { durationMs, error } = end as Partial<PastRun>;
      return Object.freeze({
        tick: new Date(tick),
        attempt,
        instanceId,
        fencingToken: token,
        startedAt: new Date(startedAt),
        ...(durationMs !== undefined && { durationMs }),
        outcome,
        ...(error !== undefined && { error }),
      });
    });
}

function refuseOlder(ledger: LedgerDocument, token: number): void {
  if (token < ledger.token) {
    throw new SupersededError(
      `A later leader, of fencing token ${ledger.token}, has taken over`,
    );
  }
}

function recent(past: readonly PastRun[], size: number): readonly PastRun[] {
  return size === 0 ? [] : past.slice(-size);
}
