import { performance } from 'node:perf_hooks';
import * as timers from 'node:timers';

// Taken at import: a test that fakes the time of its application must not fake
// that of the server. A real server has a process of its own.
export const { setTimeout, clearTimeout, setInterval, clearInterval } = timers;

/** Milliseconds that never go back. */
export const monotonicMs = performance.now.bind(performance);

/** Milliseconds since the epoch. */
export const wallMs = Date.now;
