import type {
  Participant,
  ParticipantTasks,
} from '../election/leadership.interface.js';
import { lackedTasks, type LackedTasks } from './participant-tasks.js';

/** As far as this instance, or its entry, tells. */
export type Standing = Pick<Participant, 'instanceId' | 'application'> & {
  readonly tasks?: ParticipantTasks | undefined;
};

/** A leader that does not do the work of instances that wait behind it. */
export interface ForeignLeader {
  readonly leader: Standing;
  /** One of those that wait. */
  readonly waiting: Standing;
  /** How many others wait for the same. */
  readonly others: number;
  readonly isOtherApplication: boolean;
  /** The tasks that the leader does not have. */
  readonly lacked: LackedTasks;
}

const MOST_NAMED = 10;

/** Undefined if the leader does the work of `waiting`, as far as is known. */
export function foreignLeader(
  leader: Standing,
  waiting: Standing,
): ForeignLeader | undefined {
  const isOtherApplication =
    leader.application !== undefined &&
    waiting.application !== undefined &&
    leader.application !== waiting.application;
  const lacked = lackedTasks(leader.tasks, waiting.tasks);
  return isOtherApplication || lacked.names.length > 0 || lacked.mayBeMore
    ? { leader, waiting, others: 0, isOtherApplication, lacked }
    : undefined;
}

/** The same for many: those that wait for the same are one, under the same key. */
export function foreignLeaders(
  leader: Standing,
  waiting: readonly Standing[],
): Map<string, ForeignLeader> {
  const found = new Map<string, ForeignLeader>();
  for (const each of waiting) {
    const foreign = foreignLeader(leader, each);
    if (foreign) {
      const key = keyOf(foreign);
      const known = found.get(key);
      found.set(key, known ? { ...known, others: known.others + 1 } : foreign);
    }
  }
  return found;
}

/** Changes with what is wrong, not with who leads and who waits. */
function keyOf({ leader, waiting, lacked }: ForeignLeader): string {
  return JSON.stringify([leader.application, waiting.application, lacked]);
}

/** What is wrong and what to do, in sentences. */
export function foreignLeaderMessage(
  foreign: ForeignLeader,
  path: string,
): string {
  const { leader, waiting, lacked } = wordsOf(foreign);
  return foreign.isOtherApplication
    ? `The election ${path} is led by another application, ${leader}: ` +
        `${waiting} behind it. ${lacked} Give each application a basePath of ` +
        'its own; if both are one, give them the same option application.'
    : `The election ${path} is led by another version, ${leader}: ` +
        `${waiting} behind it. ${lacked} While a new version is deployed, this ` +
        'passes. If it stays, deploy the same version everywhere, or give each ' +
        'application a basePath of its own.';
}

function wordsOf(foreign: ForeignLeader) {
  const { leader, waiting, others, isOtherApplication } = foreign;
  const name = ({ instanceId, application }: Standing): string =>
    `"${instanceId}"${isOtherApplication ? ` of "${application}"` : ''}`;
  const wait =
    others === 0
      ? 'waits'
      : `and ${others} more instance${others === 1 ? '' : 's'} wait`;
  return {
    leader: name(leader),
    waiting: `${name(waiting)} ${wait}`,
    lacked: lackedText(foreign),
  };
}

function lackedText({ lacked, waiting }: ForeignLeader): string {
  const { names, mayBeMore } = lacked;
  if (names.length === 0) {
    return mayBeMore
      ? 'It may lack some of their tasks; the lists are too long to say which.'
      : `Its own tasks run, and not those of "${waiting.application}".`;
  }
  const shown = names.slice(0, MOST_NAMED).map((name) => `"${name}"`);
  const rest = names.length - shown.length;
  const more = mayBeMore
    ? ' and perhaps more'
    : rest > 0
      ? ` and ${rest} more`
      : '';
  return `The leader does not have the tasks ${shown.join(', ')}${more}: they do not run.`;
}
