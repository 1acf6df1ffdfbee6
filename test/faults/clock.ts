import { setTimeout as delay } from 'node:timers/promises';

/**
 * Milliseconds of the machine's monotonic clock: the same in all processes, and
 * untouched by what is done to the wall clock.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The schedule of a run consists of such pauses: they are no test's wait. */
export async function last(durationMs: number): Promise<void> {
  await delay(durationMs);
}
