/**
 * Milliseconds by the monotonic clock. Not performance.now(): the first use of it
 * loads a dozen modules of Node.js, and one MiB of the guardian's memory.
 */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
