import type { History } from '../history.js';

/** One of them may have found its server busy, and gone to the next one. */
const FEWEST = 3;

/**
 * A guardian goes to the server of its application first: a session that moves
 * leaves a connection behind that still seems to work.
 */
export function checkSameServer({ closes, steps }: History): string[] {
  const undisturbed = steps.filter(
    ({ kinds, hasZookeeperFailed }) =>
      kinds.length === 1 && kinds[0] === 'kill' && !hasZookeeperFailed,
  );
  const byGuardian = closes.filter(
    ({ atMs, isOfGuardian }) =>
      isOfGuardian &&
      undisturbed.some(({ fromMs, tidyMs }) => fromMs < atMs && atMs < tidyMs),
  );
  const elsewhere = byGuardian.filter(({ isElsewhere }) => isElsewhere);
  return elsewhere.length >= FEWEST && elsewhere.length > byGuardian.length / 2
    ? [
        `guardians ended ${elsewhere.length} of ${byGuardian.length} sessions at another server than that of the application`,
      ]
    : [];
}
