/** A point in time by both clocks of the machine. */
export interface Instant {
  readonly monotonicNs: bigint;
  readonly wallMs: number;
}

/** The two clocks that leases and stalls are measured by; injectable for tests. */
export interface Clock {
  monotonicNs(): bigint;
  wallMs(): number;
}

// It takes ten nanoseconds less than performance.now(). Taken at import: fake timers
// that are installed later do not change it.
const { hrtime } = process;

/** The machine's clocks. */
export const systemClock: Clock = {
  monotonicNs: () => hrtime.bigint(),
  wallMs: () => Date.now(),
};

/** Milliseconds of the monotonic clock. */
export const monotonicMs = (): number => performance.now();

/** The time now. */
export function instantOf(clock: Clock): Instant {
  return { monotonicNs: clock.monotonicNs(), wallMs: clock.wallMs() };
}

/**
 * Milliseconds since an instant, by the clock that has counted more of them. The
 * monotonic clock does not count while a machine sleeps, and a wall clock that is
 * set back does not make time shorter.
 */
export function elapsedMs(clock: Clock, since: Instant): number {
  return Math.max(
    Number(clock.monotonicNs() - since.monotonicNs) / 1e6,
    clock.wallMs() - since.wallMs,
  );
}
