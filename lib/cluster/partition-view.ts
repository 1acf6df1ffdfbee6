import {
  isOwnedBySession,
  parseParticipant,
} from '../election/election-node.js';
import {
  applicationsOf,
  severalApplicationsMessage,
} from '../partitions/applications.js';
import {
  parseAssignment,
  parseGeneration,
  parseMember,
  sharersOf,
  type GroupMember,
} from '../partitions/group-nodes.js';
import type { NodeContent } from '../zookeeper/zookeeper-client.interface.js';
import { memoized } from './memoized.js';
import type {
  PartitionGroupView,
  PartitionMember,
  PartitionOwner,
} from './partition-view.interface.js';

/** A move within this time counts as one of late. */
const LATELY_MS = 60_000;

/** What has been read of a group, whatever it is. */
export interface PartitionGroupNodes {
  readonly group: string;
  /** The entries of its members, the oldest first. */
  readonly entries: readonly NodeContent[];
  readonly assignment: NodeContent | undefined;
  /** The node `owners`. */
  readonly generation: NodeContent | undefined;
  /** The numbers of the nodes below it. */
  readonly listed: ReadonlySet<number>;
  /** One of these; undefined if it has not been read. */
  ownerNode(partition: number): NodeContent | undefined;
}

/** A group, without what takes time to know. */
export type PartitionGroupNow = Omit<PartitionGroupView, 'unowned'> & {
  readonly unowned: readonly Omit<
    PartitionGroupView['unowned'][number],
    'since'
  >[];
};

/** A member, and its place among all; its partitions are counted one by one. */
interface Instance {
  readonly place: number;
  readonly view: PartitionMember & { owned: number; assigned: number };
}

/** By session. */
type Instances = Map<string, Instance>;

type NamedMember = GroupMember & { readonly name: string };

/** What the nodes of a group mean; whatever they hold, the result is well-formed. */
export function partitionGroupOf(
  nodes: PartitionGroupNodes,
  nowMs: number,
): PartitionGroupNow {
  const members = membersOf(nodes.entries);
  const generation = nodes.generation && parseGeneration(nodes.generation.data);
  const newest = members.findLast(({ weight }) => weight > 0)?.partitions;
  const partitions = generation || (newest ?? 0);
  const assignment = nodes.assignment && assignmentOf(nodes.assignment);
  const assigned =
    assignment?.owners.length === partitions ? assignment.owners : [];

  const instances = instancesOf(members, partitions);
  const owners: (PartitionOwner | undefined)[] = [];
  const unowned: PartitionGroupNow['unowned'][number][] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const wanted = assigned[partition];
    const wantedBy = instances.get(wanted ?? '');
    if (wantedBy) {
      wantedBy.view.assigned += 1;
    }
    const content = nodes.ownerNode(partition);
    const isBlocked = content !== undefined && !isOwnedBySession(content.stat);
    const isOwned = nodes.listed.has(partition) && !isBlocked;
    owners.push(isOwned ? ownerOf(content, wanted, instances) : undefined);
    if (!isOwned && members.length > 0) {
      unowned.push({
        partition,
        isBlocked,
        ...(wantedBy && { assignedTo: wantedBy.view.instanceId }),
      });
    }
  }
  const applications = applicationsOf(members);
  const shared = [...instances.values()].map(({ view }) => view);
  return {
    group: nodes.group,
    partitions,
    ...(newest !== undefined &&
      newest !== partitions && { nextPartitions: newest }),
    ...(assignment && { round: assignment.round }),
    owners,
    unowned,
    members: shared,
    imbalance: Math.max(
      0,
      ...shared.map(({ owned, share }) => Math.abs(owned - share)),
    ),
    warnings: applications
      ? [severalApplicationsMessage(nodes.group, applications)]
      : [],
    movedLately: owners.filter(
      (owner) => (owner?.since?.getTime() ?? -Infinity) > nowMs - LATELY_MS,
    ).length,
  };
}

/** A session has one entry; of several, the last one counts. */
function membersOf(entries: readonly NodeContent[]): NamedMember[] {
  const members = new Map<string, NamedMember>();
  for (const content of entries) {
    const member = parseMember(content);
    if (member) {
      members.set(member.id, { ...member, name: nameOf(content) });
    }
  }
  return [...members.values()];
}

function instancesOf(
  members: readonly NamedMember[],
  count: number,
): Instances {
  const sharers = sharersOf(members, count);
  const total = sharers.reduce((sum, { weight }) => sum + weight, 0);
  const shares = new Map(
    sharers.map(({ id, weight }) => [
      id,
      total > 0 ? count * (weight / total) : 0,
    ]),
  );
  return new Map(
    members.map(({ id, name, weight, partitions }, place) => [
      id,
      {
        place,
        view: {
          instanceId: name,
          isMember: true,
          weight,
          partitions,
          owned: 0,
          assigned: 0,
          share: shares.get(id) ?? 0,
        },
      },
    ]),
  );
}

/** Who has the node, and counts it; notes an owner that is no member any more. */
function ownerOf(
  content: NodeContent | undefined,
  assignedTo: string | undefined,
  instances: Instances,
): PartitionOwner {
  const session = content?.stat.ephemeralOwner ?? assignedTo ?? '';
  const owner: Instance = instances.get(session) ?? {
    place: instances.size,
    view: {
      instanceId: content ? nameOf(content) : '(unknown)',
      isMember: false,
      weight: 0,
      partitions: 0,
      owned: 0,
      assigned: 0,
      share: 0,
    },
  };
  instances.set(session, owner);
  owner.view.owned += 1;
  return {
    instanceId: owner.view.instanceId,
    member: owner.place,
    ...(content && {
      fencingToken: content.stat.czxid,
      since: new Date(content.stat.createdAtMs),
    }),
  };
}

function nameOf({ data, stat }: NodeContent): string {
  return parseParticipant('', data, stat).instanceId;
}

const assignmentOf = memoized(({ data }) => parseAssignment(data));
