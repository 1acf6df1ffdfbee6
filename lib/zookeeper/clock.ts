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

// It takes ten nanoseconds less than performance.now(). Taken here and now, so that
// nobody who fakes the clock of the process later fakes this one.
const { hrtime } = process;

/** The machine's clocks. */
export const systemClock: Clock = {
  monotonicNs: () => hrtime.bigint(),
  wallMs: () => Date.now(),
};
