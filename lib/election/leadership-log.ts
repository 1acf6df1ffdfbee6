import type { Logger } from '@nestjs/common';
import { durationText } from '../duration-text.js';
import { LastingProblem } from '../lasting-problem.js';
import { messageOf } from '../message-of.js';
import type { SessionLease } from '../session/session-lease.js';
import type { ElectionReporter } from './election-reporter.interface.js';
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
        this.#problems.delete(election.name);
        this.#followed -= 1;
      },
    });
  }

  /** Logs what happens in the election at this path. */
  reporter(election: string, path: string): ElectionReporter {
    const id = this.#instanceId;
    return {
      problem: (error, takesPart) =>
        this.#problem(election, messageOf(error), takesPart),
      healed: () => this.#healed(election),
      madeWay: (why, pauseMs) =>
        this.#logger.warn(
          `${id} makes way for others in the election "${election}", because it ` +
            `has not been able to do its part for a session timeout: ${why}. ` +
            `It comes back in ${Math.round(pauseMs / 1000)} s at the earliest`,
        ),
      sessionGivenUp: (why) => {
        const reason =
          `the entry in the election "${election}" has to go and cannot be ` +
          `removed: ${why}`;
        this.#logger.warn(`${id} replaces its ZooKeeper session: ${reason}`);
        return reason;
      },
      stray: (node) =>
        this.#logger.warn(
          `"${path}/${node}" is no participant of the election "${election}", ` +
            'because no session owns it, and does not count. Delete it',
        ),
      resignRequested: (requestedBy) =>
        this.#logger.log(
          `${id} is asked by "${requestedBy}" to make way in the election "${election}"`,
        ),
      outranked: ({ instanceId, priority = 0 }, own) =>
        this.#logger.log(
          priority === own
            ? `${id} makes way for "${instanceId}" in the election "${election}", ` +
                'which is assigned to that instance'
            : `${id} (priority ${own}) makes way for "${instanceId}" (priority ` +
                `${priority}) in the election "${election}"`,
        ),
      claimed: (from, own) =>
        this.#logger.log(
          areEqual(from, own)
            ? `${id} asks ${names(from)} to make way in the election ` +
                `"${election}", which is assigned to it`
            : `${id} (priority ${own}) asks ${others(from)} to make way in the ` +
                `election "${election}"`,
        ),
      notHeeded: (by, own, forMs) => {
        const time = durationText(forMs);
        this.#logger.warn(
          areEqual(by, own)
            ? `${id} waits for ${names(by)} in the election "${election}", which is ` +
                `assigned to it, for ${time}: the others end their tasks, or do not ` +
                'respond'
            : `${id} should stand before ${others(by)} in the election ` +
                `"${election}", by their priorities, and has waited for ${time}: ` +
                'the others end their tasks, do not respond, or run a version ' +
                'without the option priority',
        );
      },
    };
  }

  #problem(election: string, text: string, takesPart: boolean): void {
    const deed = takesPart ? 'take part in' : 'leave';
    const problem = this.#problems.get(election) ?? new LastingProblem();
    this.#problems.set(election, problem);
    const news = problem.note(text);
    if (news?.isNew) {
      this.#logger.error(
        `This instance cannot ${deed} the election "${election}": ${text}; ` +
          'trying again',
      );
    } else if (news) {
      const since = news.since.toISOString();
      this.#logger.error(
        `This instance has not been able to ${deed} the election ` +
          `"${election}" since ${since}: ${text}; trying again`,
      );
    }
  }

  #healed(election: string): void {
    const ended = this.#problems.get(election)?.end();
    if (ended) {
      this.#logger.log(
        `The problem of the election "${election}" since ` +
          `${ended.since.toISOString()} is over: ${ended.text}`,
      );
    }
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

const MOST_NAMED = 5;

/** As in `"a" (priority 1), "b" (priority 0)`. */
function others(participants: readonly Participant[]): string {
  return listed(
    participants,
    ({ instanceId, priority = 0 }) => `"${instanceId}" (priority ${priority})`,
  );
}

/** As in `"a", "b"`. */
function names(participants: readonly Participant[]): string {
  return listed(participants, ({ instanceId }) => `"${instanceId}"`);
}

function listed(
  participants: readonly Participant[],
  describe: (participant: Participant) => string,
): string {
  const named = participants.slice(0, MOST_NAMED).map(describe);
  const more = participants.length - named.length;
  return named.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** Whether it is no question of priority. */
function areEqual(participants: readonly Participant[], own: number): boolean {
  return participants.every(({ priority = 0 }) => priority === own);
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
