import type { Logger } from '@nestjs/common';
import { durationText } from '../duration-text.js';
import { LastingProblem } from '../lasting-problem.js';
import { messageOf } from '../message-of.js';
import type { SessionLease } from '../session/session-lease.js';
import { ElectionReporter } from './election-reporter.js';
import { leaderWithin } from './known-leader.js';
import type { LeaderElection } from './leader-election.js';
import type { Leadership, Participant } from './leadership.interface.js';

/** Elections of an instance whose leader is worth two requests for a log line. */
const MOST_LOOKED_UP = 20;
const LOOK_UP_TIMEOUT_MS = 1_000;

/** Log lines of elections: changes of role, and what keeps them from working. */
export class LeadershipLog {
  readonly #logger: Logger;
  readonly #instanceId: string;
  readonly #lease: () => SessionLease | undefined;
  /** By the name of the election. */
  readonly #problems = new Map<string, LastingProblem>();
  #followed = 0;

  /** @param lease that of the session; undefined without ZooKeeper */
  constructor(
    logger: Logger,
    instanceId: string,
    lease: () => SessionLease | undefined,
  ) {
    this.#logger = logger;
    this.#instanceId = instanceId;
    this.#lease = lease;
  }

  /** What is wrong with which election, until it is healed. */
  get problems(): ReadonlyMap<string, string> {
    return new Map(
      [...this.#problems].flatMap(([name, { spell }]) =>
        spell ? [[name, spell.text]] : [],
      ),
    );
  }

  /** Says once that this instance takes part in no election. */
  disabled(): void {
    this.#logger.log(
      `${this.#instanceId} never leads: the option enabled is false. Its leader ` +
        'tasks run on other instances only',
    );
  }

  /** One line for every change of role. */
  follow(election: LeaderElection): void {
    this.#followed += 1;
    let former: Leadership = election.leadership;
    const problem = this.#problems.get(election.name);
    election.leadership$.subscribe({
      next: (leadership) => {
        if (leadership.role !== former.role) {
          if (leadership.role === 'follower' && former.role !== 'leader') {
            void this.#tellLeader(election, leadership.leader);
          } else {
            this.#logger.log(this.#describe(leadership, former));
          }
          former = leadership;
        }
      },
      complete: () => {
        // There may be another election of that name by now.
        if (this.#problems.get(election.name) === problem) {
          this.#problems.delete(election.name);
        }
        this.#followed -= 1;
      },
    });
  }

  /** Logs what happens in the election at this path. */
  reporter(election: string, path: string): ElectionReporter {
    const lasting = new LastingProblem();
    this.#problems.set(election, lasting);
    return new ElectionReporter(
      this.#logger,
      this.#instanceId,
      election,
      path,
      lasting,
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
      const why = reason === 'lease-expired' ? this.#lastWrites() : '';
      return `${subject}no longer leads the election "${election}" (${reason}), fencing token ${fencingToken}${why}`;
    }
    return `${subject}has left the election "${election}" (${reason})`;
  }

  /** What a lease has ended with. */
  #lastWrites(): string {
    const { lastContact, problem } = this.#lease() ?? {};
    if (!lastContact) {
      return '';
    }
    const ago = durationText(Date.now() - lastContact.getTime());
    const next =
      problem === undefined
        ? 'is not answered yet'
        : `has failed: ${messageOf(problem)}`;
    return `; the last write that ZooKeeper acknowledged was sent at ${lastContact.toISOString()}, ${ago} ago; the next one ${next}`;
  }

  /** Looked up where this instance does not know the leader, unless by many. */
  async #tellLeader(
    election: LeaderElection,
    known: Participant | undefined,
  ): Promise<void> {
    const leader =
      known ??
      (this.#followed <= MOST_LOOKED_UP
        ? await leaderWithin(election.leader$, LOOK_UP_TIMEOUT_MS)
        : undefined);
    // It may lead itself by now, or have left.
    if (election.leadership.role === 'follower') {
      this.#logger.log(
        `${this.#instanceId} follows in the election "${election.name}"` +
          describeLeader(leader),
      );
    }
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
