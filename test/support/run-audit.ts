import type { Claim } from './ledger-witness.js';
import type { ToldRun } from './task-instances.js';

/** What the runs of a task amount to, over a period; lists are of ticks. */
export interface RunAudit {
  /** Ticks that were claimed. */
  readonly ticks: number;
  /** Ticks between the first and the last that nobody claimed. */
  readonly unclaimed: readonly number[];
  /** Ticks claimed again, other than by the successor of a lost run. */
  readonly claimedTwice: readonly number[];
  /** Attempts that began in two places. */
  readonly begunTwice: readonly number[];
  /** Runs that began without a claim. */
  readonly begunUnclaimed: readonly number[];
  /** Ticks of which no attempt came to its end. */
  readonly neverEnded: readonly number[];
  /** Attempts that began and of which no end was told. */
  readonly killed: number;
  /** Claims of which a later leader found that they had not ended. */
  readonly interrupted: number;
  /** Claims that took the place of an interrupted one. */
  readonly rerun: number;
}

/**
 * Compares the claims that the ledger has shown with what the processes have
 * reported.
 *
 * @param stepMs from tick to tick
 */
export function auditRuns(
  claims: readonly Claim[],
  runs: readonly ToldRun[],
  stepMs: number,
): RunAudit {
  const first = claims.filter(({ attempt }) => attempt === 1);
  const claimed = new Set(first.map(({ tick }) => tick));
  const ended = new Set(
    runs.flatMap(({ tick, endedNs }) => (endedNs === undefined ? [] : [tick])),
  );
  const lastTick = first.at(-1)?.tick ?? 0;
  const unclaimed: number[] = [];
  for (let tick = first[0]?.tick ?? 0; tick < lastTick; tick += stepMs) {
    if (!claimed.has(tick)) {
      unclaimed.push(tick);
    }
  }
  const keys = new Set(claims.map(keyOf));
  return {
    ticks: claimed.size,
    unclaimed,
    claimedTwice: repeated(claims),
    begunTwice: repeated(runs),
    begunUnclaimed: ticksOf(runs.filter((run) => !keys.has(keyOf(run)))),
    neverEnded: ticksOf(first.filter(({ tick }) => !ended.has(tick))),
    killed: runs.filter(({ endedNs }) => endedNs === undefined).length,
    interrupted: claims.filter(({ outcome }) => outcome === 'interrupted')
      .length,
    rerun: claims.length - first.length,
  };
}

interface Attempt {
  readonly tick: number;
  readonly attempt: number;
}

function repeated(attempts: readonly Attempt[]): number[] {
  const seen = new Set<string>();
  return ticksOf(
    attempts.filter((each) => {
      const isRepeated = seen.has(keyOf(each));
      seen.add(keyOf(each));
      return isRepeated;
    }),
  );
}

function ticksOf(attempts: readonly Attempt[]): number[] {
  return attempts.map(({ tick }) => tick);
}

function keyOf({ tick, attempt }: Attempt): string {
  return `${tick} ${attempt}`;
}
