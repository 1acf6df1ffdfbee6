import { last, monotonicMs } from '../clock.js';
import type { Cluster } from '../cluster.js';
import { WireClient, type TreeNode } from '../../support/wire-client.js';
import { unless } from '../../support/wire-error.js';
import {
  ALL_ELECTIONS,
  BASE_PATH,
  ELECTIONS,
  SHARED_NAMES,
  SHARED_PATH,
} from '../settings.js';
import { ms, victim, type Fault } from './fault.js';

const unlessGone = unless('NO_NODE');

/** What others can do to the session and to the nodes of an instance. */
export const outsiderFaults = {
  expire: {
    what: 'a session ended by an outsider',
    lowerBound: 'one round trip',
    async inject(context) {
      const { cluster } = context;
      const slot = victim(context);
      const session = slot && cluster.session(slot);
      context.note(`expire the session of ${slot?.instance?.id}`);
      if (session) {
        const { server } = await cluster.ensemble.anyServing();
        const fromMs = monotonicMs();
        await WireClient.expire({ port: server.port, ...session }).catch(
          unless('SESSION_EXPIRED', 'CONNECTION_LOSS', 'OPERATION_TIMEOUT'),
        );
        cluster.exempt(slot.instance?.id ?? '', ALL_ELECTIONS, fromMs);
      }
    },
  },
  'delete-node': {
    what: 'an election node deleted',
    lowerBound: 'none: the next one leads at once',
    async inject(context) {
      const { cluster, random } = context;
      const election = random.pick(ELECTIONS);
      const wantsFirst = random.chance(0.7);
      const position = random.next();
      await cluster.inspect(async (client) => {
        const nodes = await queue(client, election);
        const node =
          nodes[wantsFirst ? 0 : Math.floor(position * nodes.length)];
        context.note(`delete the node of ${owner(node)} in "${election}"`);
        if (node) {
          await remove(cluster, client, election, node);
        }
      });
    },
  },
  'delete-path': {
    what: 'all elections deleted',
    lowerBound: 'one round trip',
    async inject(context) {
      const { cluster } = context;
      context.note('delete the whole path of the elections');
      await cluster.inspect(async (client) => {
        // A deposed instance queues again meanwhile: repeat until the path is gone.
        for (let attempt = 0; attempt < 20; attempt++) {
          for (const election of ELECTIONS) {
            for (const node of await queue(client, election)) {
              await remove(cluster, client, election, node);
            }
            await client
              .delete(`${BASE_PATH}/elections/${election}`)
              .catch(unless('NO_NODE', 'NOT_EMPTY'));
          }
        }
        await client
          .delete(`${BASE_PATH}/elections`)
          .catch(unless('NO_NODE', 'NOT_EMPTY'));
      });
    },
  },
  'delete-owner': {
    what: "the node of a partition's owner deleted",
    lowerBound: 'none: the partitions have other owners',
    async inject(context) {
      const { cluster, random } = context;
      const partition = Math.floor(random.next() * SHARED_NAMES.length);
      await cluster.inspect(async (client) => {
        const [node] = await client.tree(`${SHARED_PATH}/owners/${partition}`);
        const election = SHARED_NAMES[partition] as string;
        context.note(`delete the node of ${owner(node)}, owner of ${election}`);
        if (node) {
          await remove(cluster, client, election, node);
        }
      });
    },
  },
  assignment: {
    what: 'the assignment of partitions deleted, or made unreadable',
    lowerBound: 'none: owners keep what they have',
    async inject(context) {
      const { cluster, random } = context;
      const path = `${SHARED_PATH}/assignment`;
      const data = random.pick([undefined, '', '{"owners":7}', '[]']);
      context.note(
        `${data === undefined ? 'delete' : `write "${data}" into`} the assignment`,
      );
      await cluster.inspect(async (client) => {
        await (
          data === undefined ? client.delete(path) : client.setData(path, data)
        ).catch(unlessGone);
      });
    },
  },
  'replace-node': {
    what: "the leader's node replaced by another session's",
    lowerBound: 'none: the next one leads at once',
    async inject(context) {
      const { cluster, random } = context;
      const election = random.pick(ELECTIONS);
      const forMs = random.between(0.2, 0.5) * cluster.sessionTimeoutMs;
      const stayMs = random.between(1, 1.5) * cluster.sessionTimeoutMs;
      await cluster.inspect(async (client) => {
        const [node] = await queue(client, election);
        const slot = cluster.running.find(
          ({ instance }) => instance?.id === owner(node),
        );
        context.note(
          `replace the node of ${owner(node)} in "${election}" while it is cut off for ${ms(forMs)}`,
        );
        if (!node || !slot) {
          return;
        }
        for (const link of slot.links) {
          link.cut();
        }
        await remove(cluster, client, election, node);
        await client.create(node.path, { data: node.data, ephemeral: true });
        // Of the nodes that are created now, this one is the outsider's.
        cluster.history.returned(election);
        await last(forMs);
        for (const link of slot.links) {
          link.mend();
          link.reset();
        }
        await last(stayMs);
        await client.delete(node.path).catch(unlessGone);
      });
    },
  },
} satisfies Record<string, Fault>;

/** The participants' nodes, the oldest first. */
export async function queue(
  client: WireClient,
  election: string,
): Promise<TreeNode[]> {
  const path = `${BASE_PATH}/elections/${election}`;
  const nodes = (await client.tree(path)).filter((node) => node.path !== path);
  return nodes.toSorted((a, b) => sequence(a) - sequence(b));
}

function sequence({ path }: TreeNode): number {
  return Number(path.slice(-10));
}

function owner(node: TreeNode | undefined): string {
  if (!node) {
    return 'nobody';
  }
  const { instanceId } = JSON.parse(node.data.toString()) as {
    instanceId: string;
  };
  return instanceId;
}

async function remove(
  cluster: Cluster,
  client: WireClient,
  election: string,
  node: TreeNode,
): Promise<void> {
  const fromMs = monotonicMs();
  try {
    await client.delete(node.path).catch(unlessGone);
  } finally {
    // Also where nobody has told whether it was done.
    cluster.exempt(owner(node), [election], fromMs);
    cluster.history.returned(election);
  }
}
