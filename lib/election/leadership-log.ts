import type { Logger } from '@nestjs/common';
import { messageOf } from '../message-of.js';
import type { ElectionReporter } from './election-reporter.interface.js';
import type { LeaderElection } from './leader-election.js';
import type { Leadership } from './leadership.interface.js';

/** A problem that lasts is told of again after this time. */
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

  /** One line for every change of role. */
  follow(election: LeaderElection): void {
    let former: Leadership = election.leadership;
    election.leadership$.subscribe({
      next: (leadership) => {
        if (leadership.role !== former.role) {
          this.#logger.log(this.#describe(leadership, former));
          former = leadership;
        }
      },
      complete: () => this.#problems.delete(election.name),
    });
  }

  /** Told of an election whose node has this path. */
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
    return role === 'follower'
      ? `${subject}waits in the election "${election}" (${reason})`
      : `${subject}has left the election "${election}" (${reason})`;
  }
}
