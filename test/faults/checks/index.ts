import type { Cluster } from '../cluster.js';
import { checkCloses } from './closes.js';
import { checkHandOver } from './hand-over.js';
import { checkLeadership } from './leadership.js';
import { checkPromptness } from './promptness.js';
import { checkSameServer } from './same-server.js';
import { checkTicks } from './ticks.js';
import { checkUsage } from './usage.js';
import { checkWrites } from './writes.js';

/** What is wrong with what has been recorded so far; empty if nothing is. */
export function violationsOf({
  history,
  store,
  sessionTimeoutMs,
}: Cluster): string[] {
  return [
    ...history.problems,
    ...checkLeadership(history),
    ...checkCloses(history),
    ...checkWrites(store.writes, history),
    ...checkTicks(history),
    ...checkHandOver(history),
    ...checkSameServer(history),
    ...checkPromptness(history, sessionTimeoutMs),
    ...checkUsage(history),
  ];
}
