import {
  isOwnedBySession,
  nameIn,
  parseObject,
  parseParticipant,
  sortedNodes,
} from '../election/election-node.js';
import type { Participant } from '../election/leadership.interface.js';
import { runsOf } from '../tasks/ledger/ledger-document.js';
import { parseLedger } from '../tasks/ledger/parse-ledger.js';
import { decodeSegment, type NodePaths } from '../zookeeper/node-paths.js';
import type { NodeContent } from '../zookeeper/zookeeper-client.interface.js';
import { MOST_LISTED, nodeKey } from './cluster-limits.js';
import type {
  ClusterView,
  ElectionView,
  InstanceView,
  LedgerView,
} from './cluster-view.interface.js';
import type { NodeAspect, WatchedNode } from './watched-node.js';

/** What the nodes mean, so far as they have been read. */
export function clusterViewOf(
  nodes: ReadonlyMap<string, WatchedNode>,
  { elections, tasks, instances }: NodePaths,
  isComplete: boolean,
): ClusterView {
  const at = (path: string, aspect: NodeAspect): WatchedNode | undefined =>
    nodes.get(nodeKey(path, aspect));
  const childrenOf = (path: string): string[] =>
    [...(at(path, 'children')?.children ?? [])].toSorted();

  const electionView = (segment: string): ElectionView => {
    const path = `${elections}/${segment}`;
    const known = sortedNodes(at(path, 'children')?.children ?? []).map(
      ({ name }) => {
        const node = `${path}/${name}`;
        const { content } = at(node, 'content') ?? at(node, 'fixed') ?? {};
        return { name, content };
      },
    );
    const inLine = known.filter(
      ({ content }) => !content || isOwnedBySession(content.stat),
    );
    return {
      election: decodeSegment(segment),
      participants: inLine.flatMap(({ name, content }): Participant[] =>
        content ? [participantOf(name, content)] : [],
      ),
      participantCount: inLine.length,
    };
  };

  const ledgerView = (segment: string): LedgerView | undefined => {
    const node = at(`${tasks}/${segment}`, 'content');
    const task = decodeSegment(segment);
    if (node?.problem !== undefined) {
      return { task, runs: [], problem: node.problem };
    }
    return node?.content && ledgerOf(task, node.content);
  };

  const lists = {
    elections: childrenOf(elections),
    tasks: childrenOf(tasks),
    instances: childrenOf(instances),
  };
  const problem = [elections, tasks, instances]
    .map((path) => at(path, 'children')?.problem)
    .find((each) => each !== undefined);
  return {
    isComplete,
    ...(problem !== undefined && { problem }),
    isTruncated:
      lists.elections.length > MOST_LISTED.elections ||
      lists.tasks.length > MOST_LISTED.tasks ||
      lists.instances.length > MOST_LISTED.instances,
    elections: lists.elections
      .slice(0, MOST_LISTED.elections)
      .map(electionView),
    ledgers: lists.tasks
      .slice(0, MOST_LISTED.tasks)
      .flatMap((segment) => ledgerView(segment) ?? []),
    instances: lists.instances
      .slice(0, MOST_LISTED.instances)
      .flatMap((name) => {
        const content = at(`${instances}/${name}`, 'fixed')?.content;
        return content ? [instanceOf(content)] : [];
      }),
  };
}

const participantOf = memoized((node: string, { data, stat }: NodeContent) =>
  parseParticipant(node, data, stat),
);

const ledgerOf = memoized((task: string, { data }: NodeContent): LedgerView => {
  try {
    const ledger = parseLedger(data, task);
    return { task, decidedTick: new Date(ledger.tick), runs: runsOf(ledger) };
  } catch (error) {
    return { task, runs: [], problem: (error as Error).message };
  }
});

/** Whatever the data is, the result is well-formed, and its names are lines. */
export function instanceOf({ data }: Pick<NodeContent, 'data'>): InstanceView {
  const fields = parseObject(data);
  const { pid, since } = fields;
  const [instanceId, host, version] = [
    fields.instanceId,
    fields.host,
    fields.version,
  ].map(nameIn);
  const started = new Date(typeof since === 'string' ? since : NaN);
  return {
    instanceId: instanceId ?? '(unknown)',
    ...(host !== undefined && { host }),
    ...(Number.isSafeInteger(pid) && { pid: pid as number }),
    ...(version !== undefined && { version }),
    ...(!Number.isNaN(started.getTime()) && { since: started }),
  };
}

/** Reads a content once, for as long as it is kept. */
function memoized<Result>(
  read: (name: string, content: NodeContent) => Result,
): (name: string, content: NodeContent) => Result {
  const known = new WeakMap<NodeContent, Result>();
  return (name, content) => {
    const result = known.get(content) ?? read(name, content);
    known.set(content, result);
    return result;
  };
}
