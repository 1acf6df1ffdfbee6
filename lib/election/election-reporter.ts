import type { Logger } from '@nestjs/common';
import { durationText } from '../duration-text.js';
import type { LastingProblem } from '../lasting-problem.js';
import { messageOf } from '../message-of.js';
import type { Participant } from './leadership.interface.js';

/** Logs what an operator should know of one election. */
export class ElectionReporter {
  readonly #logger: Logger;
  readonly #instanceId: string;
  readonly #election: string;
  readonly #path: string;
  readonly #lasting: LastingProblem;

  /**
   * @param path of the election's node
   * @param lasting keeps what is wrong until it is healed
   */
  constructor(
    logger: Logger,
    instanceId: string,
    election: string,
    path: string,
    lasting: LastingProblem,
  ) {
    this.#logger = logger;
    this.#instanceId = instanceId;
    this.#election = election;
    this.#path = path;
    this.#lasting = lasting;
  }

  /**
   * The step has failed for a reason that no new connection heals.
   *
   * @param takesPart false: this instance is leaving
   */
  problem(error: unknown, takesPart: boolean): void {
    const deed = `${takesPart ? 'take part in' : 'leave'} the election "${this.#election}"`;
    const text = messageOf(error);
    const news = this.#lasting.note(text);
    if (news?.isNew) {
      this.#logger.error(`This instance cannot ${deed}: ${text}; trying again`);
    } else if (news) {
      const since = news.since.toISOString();
      this.#logger.error(
        `This instance has not been able to ${deed} since ${since}: ${text}; ` +
          'trying again',
      );
    }
  }

  /** The step has succeeded. */
  healed(): void {
    const ended = this.#lasting.end();
    if (ended) {
      this.#logger.log(
        `The problem of the election "${this.#election}" since ` +
          `${ended.since.toISOString()} is over: ${ended.text}`,
      );
    }
  }

  /** This instance makes way for others, and comes back after a pause. */
  madeWay(why: string, pauseMs: number): void {
    this.#logger.warn(
      `${this.#instanceId} makes way for others in the election "${this.#election}", because it ` +
        `has not been able to do its part for a session timeout: ${why}. ` +
        `It comes back in ${Math.round(pauseMs / 1000)} s at the earliest`,
    );
  }

  /** The session has to end, since the entry cannot be removed; returns why. */
  sessionGivenUp(why: string): string {
    const reason =
      `the entry in the election "${this.#election}" has to go and cannot be ` +
      `removed: ${why}`;
    this.#logger.warn(
      `${this.#instanceId} replaces its ZooKeeper session: ${reason}`,
    );
    return reason;
  }

  /** A node looks like a participant's and has no session. */
  stray(node: string): void {
    this.#logger.warn(
      `"${this.#path}/${node}" is no participant of the election "${this.#election}", ` +
        'because no session owns it, and does not count. Delete it',
    );
  }

  /** Somebody wants this instance to make way, through ZooKeeper. */
  resignRequested(requestedBy: string): void {
    this.#logger.log(
      `${this.#instanceId} is asked by "${requestedBy}" to make way in the election "${this.#election}"`,
    );
  }

  /** This instance makes way for one that outranks it. */
  outranked(by: Participant, own: number): void {
    const { priority = 0 } = by;
    this.#logger.log(
      priority === own
        ? `${this.#instanceId} makes way for "${by.instanceId}" in the election "${this.#election}", ` +
            'which is assigned to that instance'
        : `${this.#instanceId} (priority ${own}) makes way for "${by.instanceId}" (priority ` +
            `${priority}) in the election "${this.#election}"`,
    );
  }

  /** This instance has asked others that it outranks to make way. */
  claimed(from: readonly Participant[], own: number): void {
    this.#logger.log(
      areEqual(from, own)
        ? `${this.#instanceId} asks ${names(from)} to make way in the election ` +
            `"${this.#election}", which is assigned to it`
        : `${this.#instanceId} (priority ${own}) asks ${others(from)} to make way in the ` +
            `election "${this.#election}"`,
    );
  }

  /** They have not made way for some time. */
  notHeeded(by: readonly Participant[], own: number, forMs: number): void {
    const time = durationText(forMs);
    this.#logger.warn(
      areEqual(by, own)
        ? `${this.#instanceId} waits for ${names(by)} in the election "${this.#election}", which is ` +
            `assigned to it, for ${time}: the others end their tasks, or do not ` +
            'respond'
        : `${this.#instanceId} should stand before ${others(by)} in the election ` +
            `"${this.#election}", by their priorities, and has waited for ${time}: ` +
            'the others end their tasks, do not respond, or run a version ' +
            'without the option priority',
    );
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
