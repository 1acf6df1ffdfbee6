import type { WireClient } from '../../support/wire-client.js';
import type { Cluster } from '../cluster.js';
import { BASE_PATH, ELECTIONS, SHARED_PATH } from '../settings.js';

/**
 * What is wrong with the znodes as they are: there has to be exactly one node
 * for each running instance and none of anybody else, in the name of its living
 * session, and the first one has to be the leader's. Of partitions, an instance
 * may have any number.
 */
export async function treeProblems(
  cluster: Cluster,
  client: WireClient,
): Promise<string[]> {
  const sessions = new Map(
    cluster.running.map((slot) => [
      slot.instance?.id ?? '',
      cluster.session(slot)?.sessionId,
    ]),
  );
  const problems: string[] = [];
  const ids = [...sessions.keys()];
  const sharers = cluster.sharers.map(({ id }) => id);
  const places: (readonly [path: string, expected: readonly string[]])[] = [
    [`${BASE_PATH}/instances`, ids],
    ...ELECTIONS.map(
      (election) => [`${BASE_PATH}/elections/${election}`, ids] as const,
    ),
    [`${SHARED_PATH}/members`, sharers],
    [`${SHARED_PATH}/owners`, []],
  ];
  for (const [path, expected] of places) {
    const nodes = (await client.tree(path)).filter(
      (node) => node.path !== path,
    );
    const found = new Map<string, number>();
    for (const { path: node, data, stat } of nodes) {
      const { instanceId } = JSON.parse(data.toString() || '{}') as {
        instanceId?: string;
      };
      const id = instanceId ?? '(nobody)';
      found.set(id, (found.get(id) ?? 0) + 1);
      if (!sessions.has(id)) {
        problems.push(`${node} is left over from ${id}`);
      } else if (stat.ephemeralOwner !== sessions.get(id)) {
        problems.push(
          `${node} of ${id} is owned by session ${stat.ephemeralOwner}, not ${sessions.get(id)}`,
        );
      }
    }
    for (const id of expected) {
      const count = found.get(id) ?? 0;
      if (count !== 1) {
        problems.push(`${path} has ${count} nodes of ${id}`);
      }
    }
  }
  for (const election of sessions.size > 0 ? ELECTIONS : []) {
    const path = `${BASE_PATH}/elections/${election}`;
    const names = (await client.getChildren(path)).toSorted(
      (a, b) => Number(a.slice(-10)) - Number(b.slice(-10)),
    );
    const { data } = await client.getData(`${path}/${names[0]}`);
    const { instanceId } = JSON.parse(data.toString()) as {
      instanceId: string;
    };
    const leader = cluster.leader(election)?.instance?.id;
    if (leader !== instanceId) {
      problems.push(
        `${election}: ${leader ?? 'nobody'} leads, and the first node is of ${instanceId}`,
      );
    }
  }
  return problems;
}
