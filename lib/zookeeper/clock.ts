// The global is a getter, which costs a guarded call some nanoseconds.
import { performance } from 'node:perf_hooks';

/** A point in time by both clocks of the machine, in milliseconds. */
export interface Instant {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** The two clocks that a lease is measured by; injectable for tests. */
export interface Clock {
  monotonicMs(): number;
  wallMs(): number;
}

/** The machine's clocks. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
};
