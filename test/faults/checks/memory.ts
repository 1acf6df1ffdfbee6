import type { History, MemorySample } from '../history.js';

/** Before that, code is compiled and caches are filled. */
const WARM_UP_MS = 5 * 60_000;
const SHORTEST_MS = 20 * 60_000;
const MEGABYTE = 1024 * 1024;
/** What may come and go. */
const TOLERATED_SHARE = 0.1;
const TOLERATED_BYTES = 2 * MEGABYTE;

export interface Growth {
  readonly instance: string;
  readonly minutes: number;
  readonly of: 'heap' | 'resident' | 'keeper';
  readonly fromBytes: number;
  readonly toBytes: number;
}

/** Of each instance that has lived long enough: the first third, and the last. */
export function growth({ memory }: History): Growth[] {
  const instances = new Set(memory.map(({ instance }) => instance));
  return [...instances].flatMap((instance) => {
    const samples = memory.filter((each) => each.instance === instance);
    const first = samples[0]?.atMs ?? 0;
    const warm = samples.filter(({ atMs }) => atMs - first > WARM_UP_MS);
    const spanMs = (warm.at(-1)?.atMs ?? 0) - (warm[0]?.atMs ?? 0);
    if (spanMs < SHORTEST_MS) {
      return [];
    }
    const third = Math.floor(warm.length / 3);
    const compare = (
      of: Growth['of'],
      bytes: (sample: MemorySample) => number | undefined,
    ): Growth => ({
      instance,
      minutes: Math.round(spanMs / 60_000),
      of,
      fromBytes: median(warm.slice(0, third).flatMap((s) => bytes(s) ?? [])),
      toBytes: median(warm.slice(-third).flatMap((s) => bytes(s) ?? [])),
    });
    return [
      compare('heap', ({ heapBytes }) => heapBytes),
      compare('resident', ({ rssBytes }) => rssBytes),
      compare('keeper', ({ keeperRssBytes }) => keeperRssBytes),
    ];
  });
}

/** The heap of an instance that has lived for long does not grow. */
export function checkMemory(history: History): string[] {
  return growth(history)
    .filter(
      ({ of, fromBytes, toBytes }) =>
        of === 'heap' &&
        toBytes - fromBytes > fromBytes * TOLERATED_SHARE + TOLERATED_BYTES,
    )
    .map(
      ({ instance, minutes, of, fromBytes, toBytes }) =>
        `${of} of ${instance} has grown from ${megabytes(fromBytes)} to ${megabytes(toBytes)} in ${minutes} minutes`,
    );
}

export function megabytes(bytes: number): string {
  return `${(bytes / MEGABYTE).toFixed(1)} MB`;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
