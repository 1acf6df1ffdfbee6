import { randomUUID } from 'node:crypto';
import type { ResolvedLedgerOptions } from '../../leader-task.options.js';
import type { Ticks } from '../schedule/ticks.js';
import type { DroppedTicks } from './dropped-ticks.js';
import type { Fate, OpenRun, RunEnd } from './ledger.js';

/** Counting goes no further. */
const MOST_COUNTED = 100;
/** Clocks of a cluster may be apart by this much without a word. */
const TOLERATED_SKEW_MS = 60_000;

/** What is to be known to find missed ticks (misfires). */
export interface CatchUpQuestion {
  readonly options: ResolvedLedgerOptions;
  readonly now: number;
  /** Undefined: there is no job, or it is off. Nobody misses its ticks. */
  readonly ticks: Ticks | undefined;
  readonly isPaused: boolean;
  /** Every tick up to this one is decided. */
  readonly decided: number;
  /** Every missed tick up to this one has been reported. */
  readonly reported: number;
  /** Not run because of a run that went on: nobody has missed them. */
  readonly dropped: Pick<DroppedTicks, 'rangeOf'>;
  /** Only ticks before this one, which is being called for. */
  readonly before?: number;
}

/** What is to be done about missed ticks. */
export interface CatchUpPlan {
  /** The tick to run now. */
  readonly run?: number;
  /** Whether the next one has to wait for the end of that. */
  readonly isInOrder: boolean;
  /** Nobody will run these: to be reported. */
  readonly missed?: MissedTicks;
  /** {@link CatchUpQuestion.reported} from now on. */
  readonly reported: number;
}

export interface MissedTicks {
  /** Stops at 100. */
  readonly count: number;
  readonly first: number;
  readonly last: number;
}

/** What a leader does about the ticks that nobody ran. */
export function planCatchUp(question: CatchUpQuestion): CatchUpPlan {
  const { options, now, ticks, isPaused, before, reported } = question;
  if (!ticks || isPaused) {
    return { isInOrder: false, reported };
  }
  const isInOrder = options.missedTicks === 'all';
  const until = before === undefined ? now : before - 1;
  let run: number | undefined;
  // Without a call, a tick may still be called for until then.
  let settled = before === undefined ? now - ticks.longestWaitMs : until;
  if (isInOrder) {
    const late = now - options.maxLatenessMs - 1;
    run = firstLeft(question, ticks, late, until);
    settled = Math.min(late, settled);
  } else if (options.missedTicks === 'latest' && before === undefined) {
    const last = lastLeft(question, ticks, now);
    if (last !== undefined && !isTooLate(options, last, now)) {
      run = last;
      settled = last - 1;
    }
  }
  return {
    ...(run !== undefined && { run }),
    isInOrder,
    ...passOver(question, ticks, settled),
  };
}

/** The first tick that is neither decided nor reported, of the future too. */
export function nextDue(question: CatchUpQuestion): number | undefined {
  const { ticks, reported } = question;
  return ticks && firstLeft(question, ticks, reported, Infinity);
}

/**
 * Whether it is too late for a tick.
 *
 * @param calledAtMs of a call: the timer of an interval fires at any time between
 * its tick and the next, and is on time
 */
export function isTooLate(
  { maxLatenessMs }: Pick<ResolvedLedgerOptions, 'maxLatenessMs'>,
  tick: number,
  now: number,
  call?: { readonly calledAtMs: number; readonly ticks: Ticks | undefined },
): boolean {
  const isInterval = call?.ticks?.description.type === 'interval';
  const due = call && isInterval ? Math.max(tick, call.calledAtMs) : tick;
  return now - due > maxLatenessMs;
}

/**
 * Whether the ledger says that ticks of the future have been run, as after a leader
 * whose clock was ahead: then no tick would be run until that time has come.
 */
export function isAhead(
  decided: number,
  ticks: Ticks | undefined,
  now: number,
) {
  const next = ticks?.next(now) ?? now;
  return decided > next + TOLERATED_SKEW_MS;
}

/** What this process knows of a run that a ledger shows as open. */
export type OwnRun =
  /** The answer to the claim has not come; the run has not begun. */
  | { readonly is: 'claiming'; readonly formerTick: number | undefined }
  | { readonly is: 'running' }
  /** It has ended; the ledger could not be told. */
  | { readonly is: 'ended'; readonly end: RunEnd };

/** What is to be known to decide about the open runs of a ledger. */
export interface FateQuestion {
  readonly options: ResolvedLedgerOptions;
  readonly now: number;
  /** What is switched off or paused must not run; it stays as it is. */
  readonly isHeld: boolean;
  readonly ownRuns: ReadonlyMap<string, OwnRun>;
  readonly successor: Pick<OpenRun, 'token' | 'instanceId'>;
}

/** What becomes of an open run when a term begins. */
export function fateOf(
  run: OpenRun,
  { options, now, isHeld, ownRuns, successor }: FateQuestion,
): Fate {
  const own = ownRuns.get(run.id);
  const isRequested = run.requestedBy !== undefined;
  const over: Fate = { is: 'over', end: { outcome: 'interrupted' } };
  const rerun = (attempt: number, isInterrupted: boolean): Fate => ({
    is: 'replaced',
    isInterrupted,
    by: {
      ...run,
      ...successor,
      id: randomUUID(),
      attempt,
      startedAt: now,
      trigger: 'interrupted',
    },
  });
  if (own?.is === 'running') {
    return { is: 'open' };
  }
  if (own?.is === 'ended') {
    return { is: 'over', end: own.end };
  }
  if (own?.is === 'claiming' && own.formerTick !== undefined) {
    return { is: 'given back', formerTick: own.formerTick };
  }
  if (isRequested) {
    return over;
  }
  const mayRerun = own?.is === 'claiming' || options.interruptedRun === 'rerun';
  if (!mayRerun || isTooLate(options, run.tick, now)) {
    return over;
  }
  if (isHeld) {
    return { is: 'open' };
  }
  return own?.is === 'claiming'
    ? rerun(run.attempt, false)
    : rerun(run.attempt + 1, true);
}

function firstLeft(
  { decided, dropped }: CatchUpQuestion,
  ticks: Ticks,
  after: number,
  until: number,
): number | undefined {
  let tick = ticks.next(Math.max(decided, after));
  while (tick !== undefined && tick <= until) {
    const range = dropped.rangeOf(tick);
    if (!range) {
      return tick;
    }
    tick = ticks.next(range.last);
  }
  return undefined;
}

function lastLeft(
  { decided, dropped }: CatchUpQuestion,
  ticks: Ticks,
  until: number,
): number | undefined {
  let untilMs = until;
  for (;;) {
    const tick = ticks.previous(untilMs, decided);
    const range = tick === undefined ? undefined : dropped.rangeOf(tick);
    if (!range) {
      return tick;
    }
    untilMs = range.first - 1;
  }
}

/** Nobody has run the ticks that are left up to `until`, or will. */
function passOver(
  question: CatchUpQuestion,
  ticks: Ticks,
  until: number,
): Pick<CatchUpPlan, 'missed' | 'reported'> {
  const { decided, reported } = question;
  const after = Math.max(decided, reported);
  if (!(until > after)) {
    return { reported };
  }
  const left = { ...question, decided: after };
  const first = firstLeft(left, ticks, after, until);
  if (first === undefined) {
    return { reported: until };
  }
  let count = 0;
  for (
    let tick: number | undefined = first;
    tick !== undefined && count < MOST_COUNTED;
    tick = firstLeft(left, ticks, tick, until)
  ) {
    count += 1;
  }
  return {
    reported: until,
    missed: { count, first, last: lastLeft(left, ticks, until) ?? first },
  };
}
