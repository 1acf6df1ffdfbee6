import type { History, Step } from './history.js';
import { ELECTIONS } from './settings.js';

/** The longest time without a leader, of any of them, that began in a step. */
export function longestGapMs(
  history: History,
  step: Step,
  elections: readonly string[] = ELECTIONS,
): number {
  return Math.max(
    ...elections.map((election) => longestGap(history, election, step)),
  );
}

function longestGap(
  { reigns }: History,
  election: string,
  { fromMs, healedMs }: Step,
): number {
  const inOrder = reigns
    .filter((reign) => reign.election === election)
    .toSorted((a, b) => a.fromMs - b.fromMs);
  let longestMs = 0;
  let ledUntilMs = 0;
  for (const reign of inOrder) {
    const isOfStep = reign.fromMs > fromMs && ledUntilMs < healedMs;
    if (ledUntilMs > 0 && isOfStep) {
      longestMs = Math.max(longestMs, reign.fromMs - ledUntilMs);
    }
    ledUntilMs = Math.max(ledUntilMs, reign.untilMs);
  }
  return longestMs;
}
