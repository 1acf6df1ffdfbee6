import type { Participant } from './leadership.interface.js';

/** Hears of one election what an operator should know. */
export interface ElectionReporter {
  /**
   * The step has failed for a reason that no new connection heals.
   *
   * @param takesPart false: this instance is leaving
   */
  problem(error: unknown, takesPart: boolean): void;
  /** The step has succeeded. */
  healed(): void;
  /** This instance makes way for others, and comes back after a pause. */
  madeWay(why: string, pauseMs: number): void;
  /** The session has to end, since the entry cannot be removed; returns why. */
  sessionGivenUp(why: string): string;
  /** A node looks like a participant's and has no session. */
  stray(node: string): void;
  /** Another instance is first in line; it leads if it says since when. */
  leaderSeen?(leader: Participant): void;
  /** Somebody wants this instance to make way, through ZooKeeper. */
  resignRequested(requestedBy: string): void;
  /** This instance makes way for one that outranks it. */
  outranked(by: Participant, own: number): void;
  /** This instance has asked others that it outranks to make way. */
  claimed(from: readonly Participant[], own: number): void;
  /** They have not made way for some time. */
  notHeeded(by: readonly Participant[], own: number, forMs: number): void;
}
