import {
  isOwnedBySession,
  parseElectionNode,
  parseParticipant,
  sortedNodes,
} from '../election/election-node.js';
import { nameIn, parseObject } from '../untrusted-data.js';
import {
  foreignLeaderMessage,
  foreignLeaders,
  type ForeignLeader,
} from '../foreign-leader/foreign-leader.js';
import type { Participant } from '../election/leadership.interface.js';
import { parseAudit, type AuditEntry } from '../operations/audit-log.js';
import { parseDrain } from '../operations/drain.js';
import { parseLedger, pauseOf, runsOf } from '../tasks/ledger/ledger.js';
import {
  GroupPaths,
  parseElectionAssignment,
} from '../partitions/group-nodes.js';
import { decodeSegment, type NodePaths } from '../node-paths.js';
import type { NodeContent } from '../zookeeper/zookeeper-client.interface.js';
import { MOST_LISTED, nodeKey } from './cluster-limits.js';
import {
  leaderOf,
  type ClusterView,
  type ElectionView,
  type InstanceView,
  type LedgerView,
} from './cluster-view.interface.js';
import { memoized } from './memoized.js';
import { partitionGroupOf, type PartitionGroupNow } from './partition-view.js';
import type { NodeAspect, WatchedNode } from './watched-node.js';

/** What there is now, without what takes time to know. */
export type ClusterNow = Omit<ClusterView, 'partitions'> & {
  readonly partitions: readonly PartitionGroupNow[];
};

/** What the nodes mean, so far as they have been read. */
export function clusterViewOf(
  nodes: ReadonlyMap<string, WatchedNode>,
  nodePaths: NodePaths,
  { isComplete, hasVerdict }: Pick<ClusterView, 'isComplete' | 'hasVerdict'>,
): ClusterNow {
  const { elections, partitions, tasks, instances, drains, audit } = nodePaths;
  const at = (path: string, aspect: NodeAspect): WatchedNode | undefined =>
    nodes.get(nodeKey(path, aspect));
  const childrenOf = (path: string): string[] =>
    [...(at(path, 'children')?.children ?? [])].toSorted();

  const { assignment } = new GroupPaths(nodePaths.balance);
  const balance = at(assignment, 'content')?.content;
  const assigned = balance ? sessionsByElection(balance) : NOBODY;
  const actions = at(audit, 'content')?.content;
  const electionView = (segment: string): ElectionView => {
    const path = `${elections}/${segment}`;
    const known = sortedNodes(at(path, 'children')?.children ?? []).map(
      ({ name }) => {
        const node = `${path}/${name}`;
        // The first may have been read as one of the others.
        const content =
          at(node, 'content')?.content ?? at(node, 'fixed')?.content;
        return { name, content };
      },
    );
    const inLine = known.filter(
      ({ content }) => !content || isOwnedBySession(content.stat),
    );
    const participants = inLine.flatMap(({ name, content }): Participant[] =>
      content ? [participantOf(content, name)] : [],
    );
    const session = assigned.get(segment);
    const assignedTo = participants.find(
      ({ node }) =>
        session !== undefined && parseElectionNode(node)?.session === session,
    )?.instanceId;
    return {
      election: decodeSegment(segment),
      participants,
      participantCount: inLine.length,
      ...(assignedTo !== undefined && { assignedTo }),
      warnings: warningsOf(participants, path),
    };
  };

  const groupView = (segment: string): PartitionGroupNow[] => {
    const paths = new GroupPaths(`${partitions}/${segment}`);
    const generation = at(paths.owners, 'content');
    const listed = at(paths.owners, 'children');
    if (!generation?.isKnown || !listed?.isKnown) {
      return [];
    }
    const entries = sortedNodes(at(paths.members, 'children')?.children ?? []);
    const nodesOfGroup = {
      group: decodeSegment(segment),
      entries: entries.flatMap(
        ({ name }) => at(`${paths.members}/${name}`, 'fixed')?.content ?? [],
      ),
      assignment: at(paths.assignment, 'content')?.content,
      generation: generation.content,
      listed: new Set(partitionsIn(listed.children)),
      ownerNode: (partition: number) =>
        at(paths.owner(partition), 'content')?.content,
    };
    return [partitionGroupOf(nodesOfGroup, Date.now())];
  };

  const ledgerView = (segment: string): LedgerView | undefined => {
    const node = at(`${tasks}/${segment}`, 'content');
    const task = decodeSegment(segment);
    if (node?.problem !== undefined) {
      return { task, runs: [], problem: node.problem };
    }
    return node?.content && ledgerOf(node.content, task);
  };

  const lists = {
    elections: childrenOf(elections),
    partitions: childrenOf(partitions),
    tasks: childrenOf(tasks),
    instances: childrenOf(instances),
  };
  const problem = [elections, partitions, tasks, instances]
    .map((path) => at(path, 'children')?.problem)
    .find((each) => each !== undefined);
  return {
    isComplete,
    hasVerdict,
    ...(problem !== undefined && { problem }),
    isTruncated:
      lists.elections.length > MOST_LISTED.elections ||
      lists.partitions.length > MOST_LISTED.groups ||
      lists.tasks.length > MOST_LISTED.tasks ||
      lists.instances.length > MOST_LISTED.instances,
    elections: lists.elections
      .slice(0, MOST_LISTED.elections)
      .map(electionView),
    partitions: lists.partitions
      .slice(0, MOST_LISTED.groups)
      .flatMap(groupView),
    ledgers: lists.tasks
      .slice(0, MOST_LISTED.tasks)
      .flatMap((segment) => ledgerView(segment) ?? []),
    instances: lists.instances
      .slice(0, MOST_LISTED.instances)
      .flatMap((name) => {
        const content = at(`${instances}/${name}`, 'fixed')?.content;
        return content ? [instanceOf(content)] : [];
      }),
    drains: childrenOf(drains)
      .slice(0, MOST_LISTED.drains)
      .flatMap((name) => {
        const content = at(`${drains}/${name}`, 'fixed')?.content;
        return content ? [parseDrain(decodeSegment(name), content.data)] : [];
      }),
    audit: actions ? auditOf(actions) : NOTHING,
  };
}

const NOBODY: ReadonlyMap<string, string> = new Map();

/** The session that each election is assigned to, by the name of its node. */
const sessionsByElection = memoized(({ data }): ReadonlyMap<string, string> => {
  const { elections, owners } = parseElectionAssignment(data) ?? {};
  return new Map(
    elections?.flatMap((name, index) => {
      const owner = owners?.[index];
      return owner === undefined ? [] : [[name, owner] as const];
    }),
  );
});

/** The numbers of partitions among the names below the node `owners`. */
export function partitionsIn(children: readonly string[]): number[] {
  return children.flatMap((name) =>
    /^(0|[1-9]\d{0,4})$/.test(name) ? [Number(name)] : [],
  );
}

const participantOf = memoized(({ data, stat }, node: string) =>
  parseParticipant(node, data, stat),
);

/** Nobody waits behind who has not said yet that it leads. */
function warningsOf(participants: readonly Participant[], path: string) {
  const leader = leaderOf({ participants });
  const found = leader
    ? foreignLeaders(leader, participants.slice(1))
    : new Map<string, ForeignLeader>();
  return [...found.values()].map((each) => foreignLeaderMessage(each, path));
}

const ledgerOf = memoized(({ data }, task: string): LedgerView => {
  try {
    const ledger = parseLedger(data, task);
    const pause = pauseOf(ledger);
    return {
      task,
      decidedTick: new Date(ledger.tick),
      runs: runsOf(ledger),
      ...(pause && { pause }),
    };
  } catch (error) {
    return { task, runs: [], problem: (error as Error).message };
  }
});

const NOTHING: readonly AuditEntry[] = [];

const auditOf = memoized(({ data }) => parseAudit(data));

/** Whatever the data is, the result is well-formed, and its names are lines. */
export function instanceOf({ data }: Pick<NodeContent, 'data'>): InstanceView {
  const fields = parseObject(data);
  const { pid, since } = fields;
  const [instanceId, host, application, version] = [
    fields.instanceId,
    fields.host,
    fields.application,
    fields.version,
  ].map(nameIn);
  const started = new Date(typeof since === 'string' ? since : NaN);
  return {
    instanceId: instanceId ?? '(unknown)',
    ...(host !== undefined && { host }),
    ...(Number.isSafeInteger(pid) && { pid: pid as number }),
    ...(application !== undefined && { application }),
    ...(version !== undefined && { version }),
    ...(!Number.isNaN(started.getTime()) && { since: started }),
  };
}
