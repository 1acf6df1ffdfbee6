import { setTimeout as delay } from 'node:timers/promises';
import { unless } from '../../support/wire-error.js';
import type { Cluster } from '../cluster.js';
import { BASE_PATH } from '../settings.js';

const ATTEMPTS = 10;
const PAUSE_MS = 300;
const unlessSilent = unless('CONNECTION_LOSS', 'OPERATION_TIMEOUT');

/**
 * Where the servers show different nodes, each after it has caught up with the
 * leading one, and go on doing so: then ZooKeeper has not kept what it has
 * committed, and nothing can be said about who ought to lead.
 */
export async function replicaDifferences(cluster: Cluster): Promise<string[]> {
  let lasting: Set<string> | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const differences = await differencesNow(cluster).catch(unlessSilent);
    if (!differences) {
      // A server does not answer: nothing can be compared yet.
      await delay(PAUSE_MS);
      continue;
    }
    const found = new Set(differences);
    lasting = new Set(
      [...(lasting ?? found)].filter((each) => found.has(each)),
    );
    if (lasting.size === 0) {
      return [];
    }
    await delay(PAUSE_MS);
  }
  return [...(lasting ?? [])];
}

async function differencesNow(cluster: Cluster): Promise<string[]> {
  const nodes = new Map<string, number[]>();
  let servers = 0;
  for (const { id, server } of cluster.ensemble.members) {
    const client = await cluster.connect(server.port);
    try {
      await client.sync('/');
      for (const { path, stat } of await client.tree(BASE_PATH)) {
        const node = `${path} (czxid ${stat.czxid})`;
        nodes.set(node, [...(nodes.get(node) ?? []), id]);
      }
      servers += 1;
    } finally {
      await client.close();
    }
  }
  return [...nodes]
    .filter(([, ids]) => ids.length < servers)
    .map(([node, ids]) => `${node} is on server ${ids.join(' and ')} only`);
}
