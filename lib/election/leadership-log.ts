import type { Logger } from '@nestjs/common';
import { messageOf } from '../message-of.js';
import type { LeaderElection } from './leader-election.js';
import type { Leadership } from './leadership.interface.js';

/** One log line for every change of role. */
export class LeadershipLog {
  readonly #logger: Logger;
  readonly #instanceId: string;
  /** The last problem of each election, so that retries do not repeat it. */
  readonly #problems = new Map<string, string>();

  constructor(logger: Logger, instanceId: string) {
    this.#logger = logger;
    this.#instanceId = instanceId;
  }

  /** What is wrong with which election, until its role changes. */
  get problems(): ReadonlyMap<string, string> {
    return this.#problems;
  }

  follow(election: LeaderElection): void {
    let former: Leadership = election.leadership;
    election.leadership$.subscribe((leadership) => {
      if (leadership.role !== former.role) {
        this.#problems.delete(election.name);
        this.#logger.log(this.#describe(leadership, former));
        former = leadership;
      }
    });
  }

  problem(election: string, error: unknown): void {
    const text = messageOf(error);
    if (this.#problems.get(election) !== text) {
      this.#problems.set(election, text);
      this.#logger.error(
        `Election "${election}" cannot be held: ${text}; trying again`,
      );
    }
  }

  resignRequested(election: string, requestedBy: string): void {
    this.#logger.log(
      `${this.#instanceId} is asked by "${requestedBy}" to make way in the election "${election}"`,
    );
  }

  #describe(leadership: Leadership, former: Leadership): string {
    const { election, role, reason } = leadership;
    const subject = `${this.#instanceId} `;
    if (role === 'leader') {
      const { fencingToken } = leadership.term;
      return `${subject}leads the election "${election}" (${reason}), fencing token ${fencingToken}`;
    }
    if (former.role === 'leader') {
      const { fencingToken } = former.term;
      return `${subject}no longer leads the election "${election}" (${reason}), fencing token ${fencingToken}`;
    }
    return role === 'follower'
      ? `${subject}waits in the election "${election}" (${reason})`
      : `${subject}has left the election "${election}" (${reason})`;
  }
}
