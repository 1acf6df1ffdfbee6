/** A point in time by both clocks of the machine. */
export interface Instant {
  readonly monotonicNs: bigint;
  readonly wallMs: number;
}

/** The two clocks that a lease is measured by; injectable for tests. */
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
