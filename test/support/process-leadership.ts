import { LeadershipChecker } from './leadership-checker.js';
import type { ProcessInstance } from './process-instance.js';

/**
 * What instances in processes of their own have reported about their leadership
 * of one election, by the events `leading` and `lost` or `deposed`.
 *
 * A process that was killed or paused says nothing from then on, and one that
 * ended otherwise nothing after its last word.
 */
export function leadershipOf(
  instances: readonly ProcessInstance[],
): LeadershipChecker {
  const checker = new LeadershipChecker();
  for (const [index, { events, running, silencedAtNs }] of [
    ...instances.entries(),
  ]) {
    const told = events.map(({ type, atNs, fencingToken }) => ({
      type,
      atNs: BigInt(String(atNs)),
      fencingToken: Number(fencingToken),
    }));
    for (const [number, { type, atNs, fencingToken }] of told.entries()) {
      if (type !== 'leading') {
        continue;
      }
      const ends = [
        told.slice(number).find(({ type: end }) => /^(lost|deposed)$/.test(end))
          ?.atNs,
        silencedAtNs.find((silencedAt) => silencedAt > atNs),
      ].filter((end) => end !== undefined);
      const untilNs =
        ends.toSorted((a, b) => (a < b ? -1 : 1))[0] ??
        (running ? undefined : told.at(-1)?.atNs);
      checker.add({
        instance: `process ${index}`,
        election: 'default',
        fromNs: atNs,
        fencingToken,
        ...(untilNs !== undefined && { untilNs }),
      });
    }
  }
  return checker;
}
