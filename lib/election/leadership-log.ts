import type { Logger } from '@nestjs/common';
import { firstValueFrom, timeout } from 'rxjs';
import { messageOf } from '../message-of.js';
import type { ElectionReporter } from './election-reporter.interface.js';
import type { LeaderElection } from './leader-election.js';
import type { Leadership, Participant } from './leadership.interface.js';

/** Elections of an instance whose leader is worth two requests for a log line. */
const MOST_LOOKED_UP = 20;
const LOOK_UP_TIMEOUT_MS = 1_000;

/** A problem that lasts is logged again after this time. */
const REPEAT_MS = 5 * 60_000;

interface Problem {
  readonly text: string;
  readonly since: Date;
  toldAtMs: number;
}

/** Log lines of elections: changes of role, and what keeps them from working. */
export class LeadershipLog {
  readonly #logger: Logger;
  readonly #instanceId: string;
  readonly #problems = new Map<string, Problem>();
  #followed = 0;

  constructor(logger: Logger, instanceId: string) {
    this.#logger = logger;
    this.#instanceId = instanceId;
  }

  /** What is wrong with which election, until it is healed. */
  get problems(): ReadonlyMap<string, string> {
    return new Map([...this.#problems].map(([name, { text }]) => [name, text]));
  }

  get hasProblems(): boolean {
    return this.#problems.size > 0;
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
      problem: (error) => this.#problem(election, messageOf(error)),
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
    };
  }

  #problem(election: string, text: string): void {
    const known = this.#problems.get(election);
    const nowMs = performance.now();
    if (known?.text !== text) {
      this.#problems.set(election, {
        text,
        since: known?.since ?? new Date(),
        toldAtMs: nowMs,
      });
      this.#logger.error(
        `This instance cannot take part in the election "${election}": ${text}; ` +
          'trying again',
      );
    } else if (nowMs - known.toldAtMs > REPEAT_MS) {
      known.toldAtMs = nowMs;
      this.#logger.error(
        `This instance has not been able to take part in the election ` +
          `"${election}" since ${known.since.toISOString()}: ${text}; trying again`,
      );
    }
  }

  #healed(election: string): void {
    const problem = this.#problems.get(election);
    if (problem) {
      this.#problems.delete(election);
      this.#logger.log(
        `The problem of the election "${election}" since ` +
          `${problem.since.toISOString()} is over: ${problem.text}`,
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
