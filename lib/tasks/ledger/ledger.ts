import type {
  LeaderTaskRun,
  TaskPause,
  RunTrigger,
} from '../leader-task-info.interface.js';

/** A run that has claimed its tick, and whose end is not recorded. */
export interface OpenRun {
  /** Unique to the run. */
  readonly id: string;
  /** Of a run that somebody has asked for: when that was. */
  readonly tick: number;
  readonly attempt: number;
  readonly instanceId: string;
  readonly token: number;
  readonly startedAt: number;
  readonly trigger?: RunTrigger;
  /** Who asked for it. Such a run decides no tick, and is never run again. */
  readonly requestedBy?: string;
}

/** A run that has ended, one way or another. */
export interface PastRun extends OpenRun {
  readonly outcome: 'finished' | 'failed' | 'aborted' | 'interrupted';
  /** Beside `failed`, which earlier versions know. */
  readonly timedOut?: true;
  readonly durationMs?: number;
  readonly error?: string;
}

/** As the ledger keeps it: when, who and why. */
export interface LedgerPause {
  readonly at: number;
  readonly by: string;
  readonly reason?: string;
}

/** A pause that somebody asks for. */
export interface NewPause {
  readonly by: string;
  readonly reason?: string | undefined;
}

/** What the znode of a task holds, as JSON. Times are epoch milliseconds. */
export interface LedgerDocument {
  readonly format: typeof FORMAT;
  /** Name of the task. */
  readonly task: string;
  /** Fencing token of the leader that wrote last; never goes back. */
  readonly token: number;
  /** Every tick up to this one has been decided; only later ones are claimed. */
  readonly tick: number;
  /** When the ledger began, or a pause ended: ticks up to then were never missed. */
  readonly since?: number;
  readonly open: readonly OpenRun[];
  /** The oldest first. */
  readonly past: readonly PastRun[];
  /** Present while the task is paused. */
  readonly pause?: LedgerPause;
}

/** How a run ended, for the ledger. */
export interface RunEnd {
  readonly outcome: PastRun['outcome'] | 'timed-out';
  readonly attempt?: number;
  readonly durationMs?: number;
  readonly error?: string;
}

/** Why a claim is refused. */
export type ClaimRefusal = 'claimed' | 'paused';

/** What becomes of an open run when a new term takes the ledger over. */
export type Fate =
  /** It goes on in this process, or nothing may be decided about it now. */
  | { readonly is: 'open' }
  /** It has ended, though the end is not recorded; or nobody runs it again. */
  | { readonly is: 'over'; readonly end: RunEnd }
  /** It is run again: `by` takes its place. */
  | {
      readonly is: 'replaced';
      readonly by: OpenRun;
      readonly isInterrupted: boolean;
    }
  /** This process claimed it and never began it: the tick is free again. */
  | { readonly is: 'given back'; readonly formerTick: number };

/** A leader of a later term has written: this one is over. */
export class SupersededError extends Error {
  override readonly name = 'SupersededError';
}

/** The pause that was known has ended: what was missed meanwhile comes first. */
export class ResumedError extends Error {
  override readonly name = 'ResumedError';
}

export const FORMAT = 'nestjs-zookeeper-leader/run-ledger/1';
const LONGEST_ERROR = 300;
const LONGEST_REASON = 300;
const MOST_OPEN_RUNS = 1_000;
/** ZooKeeper refuses more than a megabyte. */
const LONGEST_DATA = 1_000_000;
const OUTCOMES: ReadonlySet<unknown> = new Set<PastRun['outcome']>([
  'finished',
  'failed',
  'aborted',
  'interrupted',
]);

export function newLedger(
  task: string,
  { token, tick, since }: { token: number; tick: number; since: number },
): LedgerDocument {
  return { format: FORMAT, task, token, tick, since, open: [], past: [] };
}

/**
 * The ledger as the leader of a new term goes on with it.
 *
 * @param fateOf what becomes of each open run
 */
export function takenOver(
  ledger: LedgerDocument,
  token: number,
  fateOf: (run: OpenRun) => Fate,
  historySize: number,
): LedgerDocument {
  refuseOlder(ledger, token);
  let { tick } = ledger;
  const open: OpenRun[] = [];
  const past: PastRun[] = [];
  // The last tick first: it has to be free before the one before it can be.
  for (const run of ledger.open.toSorted((a, b) => b.tick - a.tick)) {
    const fate = fateOf(run);
    if (fate.is === 'open') {
      open.unshift(run);
    } else if (fate.is === 'replaced') {
      open.unshift(fate.by);
      if (fate.isInterrupted) {
        past.unshift({ ...run, outcome: 'interrupted' });
      }
    } else if (fate.is === 'over') {
      past.unshift(pastOf(run, fate.end));
    } else if (run.requestedBy === undefined && run.tick === tick) {
      tick = fate.formerTick;
    }
  }
  return {
    ...ledger,
    token,
    tick,
    open,
    past: recent([...ledger.past, ...past], historySize),
  };
}

/** The ledger with a claimed tick, or why the claim is refused. */
export function claimed(
  ledger: LedgerDocument,
  run: OpenRun,
  isForced = false,
): LedgerDocument | ClaimRefusal {
  refuseOlder(ledger, run.token);
  if (ledger.pause && !isForced) {
    return 'paused';
  }
  const isRequested = run.requestedBy !== undefined;
  if (!isRequested && run.tick <= ledger.tick) {
    return 'claimed';
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
    tick: isRequested ? ledger.tick : run.tick,
    open: [...ledger.open, run],
  };
}

/** The ledger after the end of a run; undefined if the run is not open. */
export function finished(
  ledger: LedgerDocument,
  id: string,
  end: RunEnd,
  historySize: number,
): LedgerDocument | undefined {
  const run = ledger.open.find((each) => each.id === id);
  return (
    run && {
      ...ledger,
      open: ledger.open.filter((each) => each !== run),
      past: recent([...ledger.past, pastOf(run, end)], historySize),
    }
  );
}

/**
 * The ledger after a claim that led to no run; undefined if the run is not open.
 * The tick may be claimed again, unless a later one has been.
 */
export function released(
  ledger: LedgerDocument,
  id: string,
  formerTick: number,
): LedgerDocument | undefined {
  const run = ledger.open.find((each) => each.id === id);
  return (
    run && {
      ...ledger,
      tick: ledger.tick === run.tick ? formerTick : ledger.tick,
      open: ledger.open.filter((each) => each !== run),
    }
  );
}

/** The ledger of a paused task; undefined if it is paused already. */
export function paused(
  ledger: LedgerDocument,
  { at, by, reason }: NewPause & { readonly at: number },
): LedgerDocument | undefined {
  return ledger.pause
    ? undefined
    : {
        ...ledger,
        pause: {
          at,
          by,
          ...(reason !== undefined && {
            reason: reason.slice(0, LONGEST_REASON),
          }),
        },
      };
}

/**
 * The ledger of a task that is paused no more; undefined if it is not paused.
 *
 * @param since ticks up to then are not made up for, but may still be called for:
 * the timer of an interval fires long after its tick. Undefined: all are
 */
export function resumed(
  { pause, ...ledger }: LedgerDocument,
  since: number | undefined,
): LedgerDocument | undefined {
  return (
    pause &&
    (since === undefined
      ? ledger
      : { ...ledger, since: Math.max(ledger.since ?? since, since) })
  );
}

/** A pause for people. */
export function pauseOf({ pause }: LedgerDocument): TaskPause | undefined {
  return (
    pause &&
    Object.freeze({
      by: pause.by,
      at: new Date(pause.at),
      ...(pause.reason !== undefined && { reason: pause.reason }),
    })
  );
}

/** Runs for people, the newest first. */
export function runsOf({ open, past }: LedgerDocument): LeaderTaskRun[] {
  const running = open.map((run) => ({ ...run, outcome: 'running' as const }));
  return [...past, ...running]
    .toSorted((a, b) => a.startedAt - b.startedAt)
    .toReversed()
    .map((run) => {
      const { trigger, requestedBy } = run;
      const { durationMs, error, timedOut } = run as Partial<PastRun>;
      return Object.freeze({
        id: run.id,
        tick: new Date(run.tick),
        attempt: run.attempt,
        instanceId: run.instanceId,
        fencingToken: run.token,
        startedAt: new Date(run.startedAt),
        ...(trigger !== undefined && { trigger }),
        ...(requestedBy !== undefined && { requestedBy }),
        ...(durationMs !== undefined && { durationMs }),
        outcome: timedOut ? ('timed-out' as const) : run.outcome,
        ...(error !== undefined && { error }),
      });
    });
}

/**
 * What a ledger's znode holds. The writer refuses what {@link parseLedger} would.
 *
 * @throws {TypeError} that says what is wrong with it
 */
export function serializeLedger(ledger: LedgerDocument): string {
  const data = JSON.stringify(ledger);
  parseLedger(data, ledger.task);
  return data;
}

const OPEN_RUN: Members<OpenRun> = {
  id: isString,
  tick: isTime,
  attempt: isCount,
  instanceId: isString,
  token: Number.isSafeInteger,
  startedAt: isTime,
  trigger: optional(isString),
  requestedBy: optional(isString),
};
const PAST_RUN: Members<PastRun> = {
  ...OPEN_RUN,
  outcome: (value) => OUTCOMES.has(value),
  timedOut: optional((value) => value === true),
  durationMs: optional((value) => typeof value === 'number'),
  error: optional(isString),
};
const PAUSE: Members<LedgerPause> = {
  at: isTime,
  by: isString,
  reason: optional(isString),
};
const isLedger = objectOf<Omit<LedgerDocument, 'format' | 'task'>>({
  token: Number.isSafeInteger,
  tick: isTime,
  since: optional(isTime),
  open: listOf(objectOf(OPEN_RUN)),
  past: listOf(objectOf(PAST_RUN)),
  pause: optional(objectOf(PAUSE)),
});

/**
 * Reads what a ledger's znode holds, from any writer.
 *
 * @throws {TypeError} that says what is wrong with it
 */
export function parseLedger(data: string, task: string): LedgerDocument {
  if (data.length > LONGEST_DATA) {
    throw new TypeError(`it has ${data.length} characters`);
  }
  const ledger = parseJson(data);
  if (typeof ledger?.format !== 'string') {
    throw new TypeError('it is not a run ledger');
  }
  if (ledger.format !== FORMAT) {
    throw new TypeError(
      `its format is "${ledger.format.slice(0, 100)}", not "${FORMAT}"`,
    );
  }
  if (ledger.task !== task) {
    throw new TypeError('it is the ledger of another task');
  }
  if (!isLedger(ledger)) {
    throw new TypeError('its members are not those of a run ledger');
  }
  return ledger as unknown as LedgerDocument;
}

function pastOf(run: OpenRun, end: RunEnd): PastRun {
  const { error, durationMs, outcome, attempt = run.attempt } = end;
  return {
    ...run,
    attempt,
    ...(outcome === 'timed-out'
      ? { outcome: 'failed', timedOut: true }
      : { outcome }),
    // JSON has no number for what a broken clock gives.
    ...(durationMs !== undefined &&
      Number.isFinite(durationMs) && { durationMs }),
    ...(error !== undefined && { error: error.slice(0, LONGEST_ERROR) }),
  };
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

function parseJson(data: string): { format?: unknown; task?: unknown } | null {
  try {
    return JSON.parse(data) as ReturnType<typeof parseJson>;
  } catch {
    throw new TypeError('it is not JSON');
  }
}

type Check = (value: unknown) => boolean;

/** What each member of a document has to be. */
type Members<Document> = Readonly<Record<keyof Document, Check>>;

/** Whether something is an object with such members, whatever else it has. */
export function objectOf<Document>(members: Members<Document>): Check {
  const checks = Object.entries<Check>(members);
  return (value) =>
    typeof value === 'object' &&
    value !== null &&
    checks.every(([name, is]) => is((value as Record<string, unknown>)[name]));
}

/** Whether a member is missing, or what it has to be. */
export function optional(is: Check): Check {
  return (value) => value === undefined || is(value);
}

function listOf(is: Check): Check {
  return (value) => Array.isArray(value) && value.every((each) => is(each));
}

export function isString(value: unknown): boolean {
  return typeof value === 'string';
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Within the range of a Date. */
function isTime(value: unknown): boolean {
  return Number.isInteger(value) && Math.abs(value as number) <= 8.64e15;
}
