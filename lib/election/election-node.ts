import type { Participant, ParticipantTasks } from './leadership.interface.js';
import type { InstanceIdentity } from '../session/instance-node.js';
import type { NodeStat } from '../zookeeper/zookeeper-client.interface.js';
import { membersOf, nameIn, parseObject, toData } from '../untrusted-data.js';

/** A participant's node: `<uuid>[-s<session>][-p<priority>]-n_<sequence>`. */
export interface ElectionNode {
  readonly name: string;
  readonly sequence: number;
  /** 0 where the name says none. */
  readonly priority: number;
  /** Its session, if it makes way for one that an election is assigned to. */
  readonly session?: string;
}

/** How a list of tasks is written; one of another format says nothing. */
const TASKS_FORMAT = 1;

/**
 * The part of a node's name before the number that ZooKeeper appends.
 *
 * @param session of an instance that takes part in balancing
 */
export function nodePrefix(
  uuid: string,
  priority = 0,
  session?: string,
): string {
  const sessionPart = session === undefined ? '' : `-s${session}`;
  const priorityPart = priority === 0 ? '' : `-p${priority}`;
  return `${uuid}${sessionPart}${priorityPart}-n_`;
}

const NODE_NAME =
  /(?:-s([\da-f]{1,16}))?(?:-p(-?[\d.]+(?:e[+-]\d+)?))?-n_(\d{10}|-\d{10})$/;

/** Reads a child's name; undefined for anything that is not a participant. */
export function parseElectionNode(name: string): ElectionNode | undefined {
  const match = NODE_NAME.exec(name);
  if (!match) {
    return undefined;
  }
  const [, session, priority = 0, sequence] = match;
  const isFinite = Number.isFinite(Number(priority));
  return {
    name,
    sequence: Number(sequence),
    priority: isFinite ? Number(priority) : 0,
    ...(session !== undefined && { session }),
  };
}

/** The priority that the name of a node says; 0 where it says none. */
export function priorityOf(name: string): number {
  return parseElectionNode(name)?.priority ?? 0;
}

/**
 * Orders nodes by age. The number counts up to 2^31 - 1 and goes on at -2^31,
 * so it is compared as a distance: the nodes of one election are never more
 * than 2^31 creations apart.
 */
export function compareBySequence(a: ElectionNode, b: ElectionNode): number {
  return (a.sequence - b.sequence) | 0;
}

/** The participants among `children`, the oldest first. */
export function sortedNodes(children: readonly string[]): ElectionNode[] {
  return children
    .flatMap((name) => parseElectionNode(name) ?? [])
    .toSorted(compareBySequence);
}

/**
 * Whether a session owns a node, and it ends with it. Others are no participants,
 * whatever their name: nobody would ever remove them. Containers and nodes with
 * a time to live have numbers of their own in place of an owner.
 */
export function isOwnedBySession({ ephemeralOwner }: NodeStat): boolean {
  return !/^(0|8000000000000000|ff[0-9a-f]{14})$/i.test(ephemeralOwner);
}

/** What a participant writes into its node. */
export function participantData(
  identity: InstanceIdentity,
  tasks?: ParticipantTasks,
  term?: { fencingToken: number; since: Date },
): string {
  return JSON.stringify({
    ...identity,
    ...(tasks && { tasks: { format: TASKS_FORMAT, ...tasks } }),
    ...(term && {
      fencingToken: term.fencingToken,
      leaderSince: term.since.toISOString(),
    }),
  });
}

/**
 * What a participant's node holds with other tasks; undefined if it has these, or no
 * room for them beside what others have written there.
 */
export function withTasks(
  data: string,
  tasks: ParticipantTasks,
): string | undefined {
  const fields = parseObject(data);
  const written = { format: TASKS_FORMAT, ...tasks };
  return JSON.stringify(fields.tasks) === JSON.stringify(written)
    ? undefined
    : toData({ ...fields, tasks: written });
}

/** Undefined for what is no list of tasks, or one of another format. */
function parseTasks(value: unknown): ParticipantTasks | undefined {
  const { format, names, more } = membersOf(value);
  if (format !== TASKS_FORMAT || !Array.isArray(names)) {
    return undefined;
  }
  const { count, digest } = membersOf(more);
  const known = names.flatMap((name) => nameIn(name) ?? []);
  return Object.freeze({
    names: [...new Set(known)].toSorted(),
    ...(Number.isSafeInteger(count) &&
      (count as number) > 0 &&
      typeof digest === 'string' && {
        more: { count: count as number, digest },
      }),
  });
}

/** Reads a participant; whatever the data is, the result is well-formed. */
export function parseParticipant(
  node: string,
  data: string,
  stat: NodeStat,
): Participant {
  const fields = parseObject(data);
  const { instanceId, host, pid, fencingToken, leaderSince } = fields;
  const name = nameIn(instanceId);
  const hostName = nameIn(host);
  const application = nameIn(fields.application);
  const tasks = parseTasks(fields.tasks);
  const since = new Date(typeof leaderSince === 'string' ? leaderSince : NaN);
  const priority = priorityOf(node);
  return Object.freeze({
    node,
    instanceId: name ?? '(unknown)',
    ...(hostName !== undefined && { host: hostName }),
    ...(Number.isSafeInteger(pid) && { pid: pid as number }),
    ...(priority !== 0 && { priority }),
    ...(application !== undefined && { application }),
    ...(tasks && { tasks }),
    fencingToken: Number.isSafeInteger(fencingToken)
      ? (fencingToken as number)
      : stat.czxid,
    joinedAt: new Date(stat.createdAtMs),
    ...(!Number.isNaN(since.getTime()) && { leaderSince: since }),
  });
}

/** Somebody's wish that a leader make way: for one term, and no later one. */
export interface ResignRequest {
  /** Who asks, for people. */
  readonly requestedBy: string;
  readonly fencingToken: number;
  readonly leaderSince: string;
}

/** What a leader's node holds with a request; undefined if nobody leads on it. */
export function withResignRequest(
  data: string,
  requestedBy: string,
): string | undefined {
  const fields = parseObject(data);
  return typeof fields.leaderSince === 'string'
    ? toData({ ...fields, resignRequestedBy: requestedBy })
    : undefined;
}

/** The request in a leader's node. */
export function parseResignRequest(data: string): ResignRequest | undefined {
  const { resignRequestedBy, fencingToken, leaderSince } = parseObject(data);
  return typeof resignRequestedBy === 'string' &&
    Number.isSafeInteger(fencingToken) &&
    typeof leaderSince === 'string'
    ? {
        requestedBy: nameIn(resignRequestedBy) ?? '(unknown)',
        fencingToken: fencingToken as number,
        leaderSince,
      }
    : undefined;
}

/** The wish of a participant with a higher priority to stand before another one. */
export interface ClaimRequest {
  /** The node of the participant that asks: the request is void without it. */
  readonly node: string;
  /** Of the term that is to end; undefined: the request is for a follower. */
  readonly leaderSince?: string;
}

/** What a node holds with a claim; undefined if its data is not as ours is. */
export function withClaim(data: string, node: string): string | undefined {
  const fields = parseObject(data);
  return typeof fields.instanceId === 'string'
    ? toData({ ...fields, claimedBy: node })
    : undefined;
}

/** The claim in a node. */
export function parseClaim(data: string): ClaimRequest | undefined {
  const { claimedBy, leaderSince } = parseObject(data);
  return typeof claimedBy === 'string'
    ? {
        node: claimedBy,
        ...(typeof leaderSince === 'string' && { leaderSince }),
      }
    : undefined;
}
