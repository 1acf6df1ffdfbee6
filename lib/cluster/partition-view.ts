import {
  isOwnedBySession,
  parseParticipant,
} from '../election/election-node.js';
import {
  parseAssignment,
  parseGeneration,
  parseMember,
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

interface Instance {
  readonly place: number;
  readonly name: string;
  readonly isMember: boolean;
  readonly weight: number;
  readonly partitions: number;
  owned: number;
  assigned: number;
}

/** What the nodes of a group mean; whatever they hold, the result is well-formed. */
export function partitionGroupOf(
  nodes: PartitionGroupNodes,
  nowMs: number,
): PartitionGroupNow {
  const instances = instancesOf(nodes.entries);
  const members = [...instances.values()];
  const generation = nodes.generation && parseGeneration(nodes.generation.data);
  const newest = members.findLast(({ weight }) => weight > 0)?.partitions;
  const partitions = generation || (newest ?? 0);
  const assignment = nodes.assignment && assignmentOf(nodes.assignment);
  const assigned =
    assignment?.owners.length === partitions ? assignment.owners : [];

  const owners: (PartitionOwner | undefined)[] = [];
  const unowned: PartitionGroupNow['unowned'][number][] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const wanted = assigned[partition];
    const wantedBy = instances.get(wanted ?? '');
    if (wantedBy) {
      wantedBy.assigned += 1;
    }
    const content = nodes.ownerNode(partition);
    const isBlocked = content !== undefined && !isOwnedBySession(content.stat);
    const isOwned = nodes.listed.has(partition) && !isBlocked;
    owners.push(isOwned ? ownerOf(content, wanted, instances) : undefined);
    if (!isOwned && members.length > 0) {
      unowned.push({
        partition,
        isBlocked,
        ...(wantedBy && { assignedTo: wantedBy.name }),
      });
    }
  }
  const shared = withShares([...instances.values()], partitions);
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
    movedLately: owners.filter(
      (owner) => (owner?.since?.getTime() ?? -Infinity) > nowMs - LATELY_MS,
    ).length,
  };
}

/** By session. */
function instancesOf(entries: readonly NodeContent[]): Map<string, Instance> {
  const instances = new Map<string, Instance>();
  for (const content of entries) {
    const member = parseMember(content);
    if (member) {
      const { id, weight, partitions } = member;
      const name = nameOf(content);
      instances.set(id, {
        ...{ place: instances.size, name, isMember: true },
        ...{ weight, partitions, owned: 0, assigned: 0 },
      });
    }
  }
  return instances;
}

/** Who has the node, and counts it; notes an owner that is no member any more. */
function ownerOf(
  content: NodeContent | undefined,
  assignedTo: string | undefined,
  instances: Map<string, Instance>,
): PartitionOwner {
  const session = content?.stat.ephemeralOwner ?? assignedTo ?? '';
  const known = instances.get(session);
  const owner: Instance = known ?? {
    place: instances.size,
    name: content ? nameOf(content) : '(unknown)',
    ...{ isMember: false, weight: 0, partitions: 0, owned: 0, assigned: 0 },
  };
  owner.owned += 1;
  if (!known) {
    instances.set(session, owner);
  }
  return {
    instanceId: owner.name,
    member: owner.place,
    ...(content && {
      fencingToken: content.stat.czxid,
      since: new Date(content.stat.createdAtMs),
    }),
  };
}

function withShares(
  instances: readonly Instance[],
  count: number,
): PartitionMember[] {
  const shareWeight = ({ isMember, weight, partitions }: Instance): number =>
    isMember && partitions === count ? weight : 0;
  const total = instances.reduce((sum, each) => sum + shareWeight(each), 0);
  return instances.map((instance) => {
    const { name, isMember, weight, partitions, owned, assigned } = instance;
    return {
      instanceId: name,
      ...{ isMember, weight, partitions, owned, assigned },
      share: total > 0 ? count * (shareWeight(instance) / total) : 0,
    };
  });
}

function nameOf({ data, stat }: NodeContent): string {
  return parseParticipant('', data, stat).instanceId;
}

const assignmentOf = memoized(({ data }) => parseAssignment(data));
