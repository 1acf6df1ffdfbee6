import {
  LeadershipChecker,
  type LeadershipInterval,
} from '../../support/leadership-checker.js';
import type { History, Reign } from '../history.js';

/**
 * Never two leaders at a time, but for exempted ones; tokens grow from leader to
 * leader for as long as ZooKeeper keeps its data.
 */
export function checkLeadership({ reigns, exemptions }: History): string[] {
  const checker = new LeadershipChecker();
  // A reign that was seen once has no length.
  checker.add(
    ...reigns.filter(({ fromMs, untilMs }) => untilMs > fromMs).map(interval),
  );
  checker.exemptions.push(
    ...exemptions.map(({ instance, election, fromMs, untilMs }) => ({
      instance,
      election,
      fromNs: nanoseconds(fromMs),
      untilNs: nanoseconds(untilMs),
    })),
  );
  return checker.violations();
}

function interval(reign: Reign): LeadershipInterval {
  const { instance, election, fencingToken, era, fromMs, untilMs } = reign;
  return {
    instance,
    election,
    fencingToken,
    era,
    fromNs: nanoseconds(fromMs),
    untilNs: nanoseconds(untilMs),
  };
}

function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6));
}
