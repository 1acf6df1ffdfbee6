import type { FaultKind } from '../faults/index.js';
import { longestGapMs } from '../gaps.js';
import type { History } from '../history.js';
import { ELECTIONS, SHARED_NAMES } from '../settings.js';
import { median } from '../statistics.js';

/** After these the next instance is told at once: no timeout has to pass. */
const AT_ONCE: readonly FaultKind[] = [
  'kill',
  'terminate',
  'resign',
  'withdraw',
  'delete-node',
  'expire',
];
/** One of them may meet something else. */
const FEWEST = 3;
/** Of the session timeout: a hook that hangs is waited for, and that is half of it. */
const LONGEST_SHARE = 0.75;

/** Where no session has to expire, the next one leads long before it would have. */
export function checkPromptness(
  history: History,
  sessionTimeoutMs: number,
): string[] {
  const check = (elections: readonly string[], what: string): string[] =>
    checkGaps(history, sessionTimeoutMs, elections, what);
  return [
    ...check(ELECTIONS, 'nobody leads'),
    ...check(SHARED_NAMES, 'nobody owns a partition'),
  ];
}

function checkGaps(
  history: History,
  sessionTimeoutMs: number,
  elections: readonly string[],
  what: string,
): string[] {
  return AT_ONCE.flatMap((kind) => {
    const gapsMs = history.steps
      .filter(
        ({ kinds, hasZookeeperFailed }) =>
          kinds.length === 1 && kinds[0] === kind && !hasZookeeperFailed,
      )
      .map((step) => longestGapMs(history, step, elections))
      .filter((gapMs) => gapMs > 0);
    const typicalMs = median(gapsMs);
    return gapsMs.length >= FEWEST &&
      typicalMs > LONGEST_SHARE * sessionTimeoutMs
      ? [
          `after "${kind}" ${what} for ${Math.round(typicalMs)} ms (median of ${gapsMs.length})`,
        ]
      : [];
  });
}
