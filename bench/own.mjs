// @ts-check
/**
 * This library: `node bench/own.mjs CONNECT METRIC [key=value ...]`.
 *
 * Prints a JSON line for each figure. What the protocol itself costs is taken
 * in the same loop: both have seen the same machine.
 */
import {
  acquire,
  acquireNewPath,
  connectAndAcquire,
  firstLeadership,
  requestRoundTrip,
} from './own/acquire.mjs';
import {
  crashFailover,
  crashFailoverBoth,
  crashFailoverTls,
} from './own/crash.mjs';
import { handOver, handOverRequests, participants } from './own/handover.mjs';
import { many, manyMemory } from './own/many.mjs';
import { eventLoopDelay, footprint, idle } from './own/rest.mjs';
import { storm, stormHalf } from './own/storm.mjs';
import { metric } from './support/own-context.mjs';

/** @type {Record<string, () => Promise<void>>} */
const metrics = {
  acquire,
  acquire_new_path: acquireNewPath,
  connect_acquire: connectAndAcquire,
  first_leadership: firstLeadership,
  request: requestRoundTrip,
  handover: handOver,
  handover_requests: handOverRequests,
  participants,
  crash_failover: crashFailover,
  crash_failover_both: crashFailoverBoth,
  crash_failover_tls: crashFailoverTls,
  many,
  /** So many that Curator would take minutes to prepare. */
  many_large: many,
  many_memory: manyMemory,
  storm,
  storm_half: stormHalf,
  idle,
  event_loop: eventLoopDelay,
  footprint,
};

const run = metrics[metric];
if (!run) {
  throw new Error(
    `Unknown metric "${metric}"; there are ${Object.keys(metrics).join(', ')}.`,
  );
}
await run();
process.exit(0);
