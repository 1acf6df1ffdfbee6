import type { History, LedgerEra, TaskRun } from '../history.js';
import type { LedgerRun } from '../ledgers.js';
import { TASKS_WITHOUT_RERUN } from '../settings.js';

const TICK_MS = 1_000;
/** A run that began at the turn of two ledgers may belong to either. */
const TURN_MS = 2_000;

/**
 * Each tick is claimed at most once while a ledger lives, and, with
 * `missedTicks: 'all'`, at least once up to the last tick that it has decided.
 */
export function checkTicks(history: History): string[] {
  return history.ledgerEras.flatMap((era) => {
    const runs = history.runs.filter(
      ({ atMs }) =>
        atMs > era.fromMs + TURN_MS && atMs < era.untilMs - TURN_MS / 4,
    );
    return [
      ...claimedTwice(era),
      ...startedTwice(runs),
      ...neverClaimed(era, history.runs),
    ];
  });
}

/**
 * Attempts of a rerun task are claims of their own. A claim that was seen while it
 * was open, and never again, has been given back: it led to no run.
 */
function claimedTwice(era: LedgerEra): string[] {
  const claims = new Map<string, LedgerRun>();
  const ended = [...era.runs.values()].filter(
    ({ outcome }) => outcome !== 'running',
  );
  return ended.flatMap((run) => {
    const key = `${run.task} ${run.tick} ${run.attempt}`;
    const other = claims.get(key);
    claims.set(key, run);
    return other
      ? [
          `tick ${time(run.tick)} of "${run.task}" was claimed twice: by ${other.instanceId} and ${run.instanceId}, attempt ${run.attempt}`,
        ]
      : [];
  });
}

function startedTwice(runs: readonly TaskRun[]): string[] {
  const starts = new Map<string, TaskRun>();
  return runs.flatMap((run) => {
    const isOnce = TASKS_WITHOUT_RERUN.includes(run.task);
    const attempt = isOnce ? 'any' : run.attempt;
    const key = `${run.task} ${run.tick} ${attempt}`;
    const other = starts.get(key);
    starts.set(key, run);
    return other
      ? [
          `tick ${time(run.tick)} of "${run.task}" was run twice: by ${other.instance} and ${run.instance}, attempts ${other.attempt} and ${run.attempt}`,
        ]
      : [];
  });
}

function neverClaimed(
  { runs, lastTick, lastTickInTime, fromMs, untilMs }: LedgerEra,
  starts: readonly TaskRun[],
): string[] {
  return [...(lastTickInTime ?? lastTick)].flatMap(([task, last]) => {
    const known = new Set([
      ...[...runs.values()]
        .filter((run) => run.task === task)
        .map(({ tick }) => tick),
      ...starts
        .filter(
          (run) =>
            run.task === task && run.atMs >= fromMs && run.atMs <= untilMs,
        )
        .map(({ tick }) => tick),
    ]);
    const claimed = new Set(
      [...runs.values()]
        .filter((run) => run.task === task)
        .map(({ tick }) => tick),
    );
    const missing: string[] = [];
    for (let tick = Math.min(...claimed); tick <= last; tick += TICK_MS) {
      if (!known.has(tick)) {
        missing.push(time(tick));
      }
    }
    return missing.length > 0
      ? [`ticks of "${task}" that nobody has run: ${missing.join(', ')}`]
      : [];
  });
}

function time(tick: number): string {
  return new Date(tick).toISOString().slice(11, 23);
}
