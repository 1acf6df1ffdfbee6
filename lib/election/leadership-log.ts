import type { Logger } from '@nestjs/common';
import { firstValueFrom, timeout } from 'rxjs';
import { messageOf } from '../message-of.js';
import type { LeaderElection } from './leader-election.js';
import type { Leadership, Participant } from './leadership.interface.js';

/** Elections of an instance whose leader is worth two requests for a log line. */
const MOST_LOOKED_UP = 20;
const LOOK_UP_TIMEOUT_MS = 1_000;

/** One log line for every change of role. */
export class LeadershipLog {
  readonly #logger: Logger;
  readonly #instanceId: string;
  #followed = 0;
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

  /** Says once that this instance takes part in no election. */
  disabled(): void {
    this.#logger.log(
      `${this.#instanceId} never leads: the option enabled is false. Its leader ` +
        'tasks run on other instances only',
    );
  }

  follow(election: LeaderElection): void {
    this.#followed += 1;
    let former: Leadership = election.leadership;
    election.leadership$.subscribe((leadership) => {
      if (leadership.role !== former.role) {
        this.#problems.delete(election.name);
        if (leadership.role === 'follower' && former.role !== 'leader') {
          void this.#tellLeader(election, leadership.leader);
        } else {
          this.#logger.log(this.#describe(leadership, former));
        }
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
    return `${subject}has left the election "${election}" (${reason})`;
  }

  /** Looked up where this instance does not know the leader, unless by many. */
  async #tellLeader(
    election: LeaderElection,
    known: Participant | undefined,
  ): Promise<void> {
    const leader =
      known ??
      (this.#followed <= MOST_LOOKED_UP ? await leaderOf(election) : undefined);
    // It may lead itself by now, or have left.
    if (election.leadership.role === 'follower') {
      this.#logger.log(
        `${this.#instanceId} follows in the election "${election.name}"` +
          describeLeader(leader),
      );
    }
  }
}

/** Asks once: a log line is worth no watch that stays. */
async function leaderOf(
  election: LeaderElection,
): Promise<Participant | undefined> {
  try {
    return await firstValueFrom(
      election.leader$.pipe(timeout({ first: LOOK_UP_TIMEOUT_MS })),
    );
  } catch {
    return undefined;
  }
}

function describeLeader(leader: Participant | undefined): string {
  if (!leader) {
    return '';
  }
  const { instanceId, leaderSince } = leader;
  return leaderSince
    ? `; "${instanceId}" leads since ${leaderSince.toISOString()}`
    : `; "${instanceId}" is first in line`;
}
