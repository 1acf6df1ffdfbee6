import type { Logger } from '@nestjs/common';
import { durationText } from '../duration-text.js';
import type { LastingProblem } from '../lasting-problem.js';
import { messageOf } from '../message-of.js';
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
  /** Somebody wants this instance to make way, through ZooKeeper. */
  resignRequested(requestedBy: string): void;
  /** This instance makes way for one that outranks it. */
  outranked(by: Participant, own: number): void;
  /** This instance has asked others that it outranks to make way. */
  claimed(from: readonly Participant[], own: number): void;
  /** They have not made way for some time. */
  notHeeded(by: readonly Participant[], own: number, forMs: number): void;
}

/**
 * Logs what happens in the election at a path.
 *
 * @param lasting keeps what is wrong until it is healed
 */
export function electionReporter(
  logger: Logger,
  instanceId: string,
  election: string,
  path: string,
  lasting: LastingProblem,
): ElectionReporter {
  return {
    problem: (error, takesPart) => {
      const deed = takesPart ? 'take part in' : 'leave';
      const text = messageOf(error);
      const news = lasting.note(text);
      if (news?.isNew) {
        logger.error(
          `This instance cannot ${deed} the election "${election}": ${text}; ` +
            'trying again',
        );
      } else if (news) {
        const since = news.since.toISOString();
        logger.error(
          `This instance has not been able to ${deed} the election ` +
            `"${election}" since ${since}: ${text}; trying again`,
        );
      }
    },
    healed: () => {
      const ended = lasting.end();
      if (ended) {
        logger.log(
          `The problem of the election "${election}" since ` +
            `${ended.since.toISOString()} is over: ${ended.text}`,
        );
      }
    },
    madeWay: (why, pauseMs) =>
      logger.warn(
        `${instanceId} makes way for others in the election "${election}", because it ` +
          `has not been able to do its part for a session timeout: ${why}. ` +
          `It comes back in ${Math.round(pauseMs / 1000)} s at the earliest`,
      ),
    sessionGivenUp: (why) => {
      const reason =
        `the entry in the election "${election}" has to go and cannot be ` +
        `removed: ${why}`;
      logger.warn(`${instanceId} replaces its ZooKeeper session: ${reason}`);
      return reason;
    },
    stray: (node) =>
      logger.warn(
        `"${path}/${node}" is no participant of the election "${election}", ` +
          'because no session owns it, and does not count. Delete it',
      ),
    resignRequested: (requestedBy) =>
      logger.log(
        `${instanceId} is asked by "${requestedBy}" to make way in the election "${election}"`,
      ),
    outranked: (by, own) => {
      const { priority = 0 } = by;
      logger.log(
        priority === own
          ? `${instanceId} makes way for "${by.instanceId}" in the election "${election}", ` +
              'which is assigned to that instance'
          : `${instanceId} (priority ${own}) makes way for "${by.instanceId}" (priority ` +
              `${priority}) in the election "${election}"`,
      );
    },
    claimed: (from, own) =>
      logger.log(
        areEqual(from, own)
          ? `${instanceId} asks ${names(from)} to make way in the election ` +
              `"${election}", which is assigned to it`
          : `${instanceId} (priority ${own}) asks ${others(from)} to make way in the ` +
              `election "${election}"`,
      ),
    notHeeded: (by, own, forMs) => {
      const time = durationText(forMs);
      logger.warn(
        areEqual(by, own)
          ? `${instanceId} waits for ${names(by)} in the election "${election}", which is ` +
              `assigned to it, for ${time}: the others end their tasks, or do not ` +
              'respond'
          : `${instanceId} should stand before ${others(by)} in the election ` +
              `"${election}", by their priorities, and has waited for ${time}: ` +
              'the others end their tasks, do not respond, or run a version ' +
              'without the option priority',
      );
    },
  };
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
