import type { Cluster, Slot } from '../cluster.js';
import type { Random } from '../random.js';

export interface FaultContext {
  readonly cluster: Cluster;
  /** Of this fault alone: what it draws changes nothing for the others. */
  readonly random: Random;
  /** Says what is done, to whom, and for how long. */
  readonly note: (text: string) => void;
}

export interface Fault {
  /** In words, for the report. */
  readonly what: string;
  /**
   * Below this, time without a leader cannot be, where the fault hits the
   * leader: docs/reliability.md tells it next to what was measured.
   */
  readonly lowerBound: string;
  /** Does the damage; resolves when it is over. */
  readonly inject: (context: FaultContext) => Promise<void>;
}

/** The leader as a rule, where more is at stake. */
export function victim(
  { cluster, random }: FaultContext,
  among: readonly Slot[] = cluster.running,
): Slot | undefined {
  const wantsLeader = random.chance(0.7);
  const anybody = among.length > 0 ? random.pick(among) : undefined;
  const leader = cluster.leader();
  return wantsLeader && leader && among.includes(leader) ? leader : anybody;
}

/** From 10 ms to three session timeouts, short ones as often as long ones. */
export function disturbance({ cluster, random }: FaultContext): number {
  return random.magnitude(10, 3 * cluster.sessionTimeoutMs);
}

export function ms(duration: number): string {
  return `${Math.round(duration)} ms`;
}
