import type { Cluster } from '../cluster.js';
import { checkLeadership } from './leadership.js';
import { checkMemory } from './memory.js';
import { checkTicks } from './ticks.js';
import { checkWrites } from './writes.js';

/** What is wrong with what has been recorded so far; empty if nothing is. */
export function violationsOf({ history, store }: Cluster): string[] {
  return [
    ...history.problems,
    ...checkLeadership(history),
    ...checkWrites(store.writes, history),
    ...checkTicks(history),
    ...checkMemory(history),
  ];
}
