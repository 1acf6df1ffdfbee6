import type { History, Measure, UsageSample } from '../history.js';
import { median } from '../statistics.js';

const MINUTE_MS = 60_000;
const MEGABYTE = 1024 * 1024;

interface Limit {
  /** Before that, code is compiled and caches are filled. */
  readonly warmUpMs: number;
  /** A process that has lived for less after that tells nothing. */
  readonly shortestMs: number;
  /** What may come and go. */
  readonly toleratedShare: number;
  readonly tolerated: number;
}

const MEMORY = { warmUpMs: 5 * MINUTE_MS, shortestMs: 20 * MINUTE_MS };
const HANDLES = { warmUpMs: MINUTE_MS / 2, shortestMs: 2 * MINUTE_MS };

const LIMITS: Readonly<Record<Measure, Limit>> = {
  heap: { ...MEMORY, toleratedShare: 0.1, tolerated: 2 * MEGABYTE },
  'resident memory': {
    ...MEMORY,
    toleratedShare: 0.1,
    tolerated: 8 * MEGABYTE,
  },
  handles: { ...HANDLES, toleratedShare: 0, tolerated: 5 },
  'file descriptors': { ...HANDLES, toleratedShare: 0, tolerated: 3 },
};

/** What a process took at first, and what it took in the end. */
export interface Growth {
  readonly process: string;
  readonly of: Measure;
  readonly minutes: number;
  readonly from: number;
  readonly to: number;
}

/** Of each process that has lived long enough: the first third, and the last. */
export function growth({ usage }: History): Growth[] {
  return [...usage].flatMap(([process, samples]) =>
    (Object.keys(LIMITS) as Measure[]).flatMap(
      (of) => growthOf(process, of, samples) ?? [],
    ),
  );
}

function growthOf(
  process: string,
  of: Measure,
  samples: readonly UsageSample[],
): Growth | undefined {
  const { warmUpMs, shortestMs } = LIMITS[of];
  const first = samples[0]?.atMs ?? 0;
  const warm = samples.filter(
    ({ atMs, values }) => atMs - first >= warmUpMs && values[of] !== undefined,
  );
  const spanMs = (warm.at(-1)?.atMs ?? 0) - (warm[0]?.atMs ?? 0);
  if (spanMs < shortestMs) {
    return undefined;
  }
  const third = Math.ceil(warm.length / 3);
  const values = warm.flatMap((sample) => sample.values[of] ?? []);
  return {
    process,
    of,
    minutes: Math.round(spanMs / MINUTE_MS),
    from: median(values.slice(0, third)),
    to: median(values.slice(-third)),
  };
}

/** What lives for long does not take more and more. */
export function checkUsage(history: History): string[] {
  return growth(history)
    .filter(({ of, from, to }) => {
      const { toleratedShare, tolerated } = LIMITS[of];
      return to - from > from * toleratedShare + tolerated;
    })
    .map((each) => describeGrowth(each));
}

export function describeGrowth({
  process,
  of,
  minutes,
  from,
  to,
}: Growth): string {
  return `${of} of ${process} from ${amount(of, from)} to ${amount(of, to)} in ${minutes} minutes`;
}

function amount(of: Measure, value: number): string {
  return LIMITS[of].tolerated < MEGABYTE
    ? String(value)
    : `${(value / MEGABYTE).toFixed(1)} MB`;
}
