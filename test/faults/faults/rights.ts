import type { WireClient } from '../../support/wire-client.js';
import { unless } from '../../support/wire-error.js';
import { last } from '../clock.js';
import { CLOSED } from '../operator.js';
import { BASE_PATH, ELECTIONS } from '../settings.js';
import { disturbance, ms, type Fault } from './fault.js';
import { queue } from './outsider.js';

const unlessGone = unless('NO_NODE');

/** What those can do who say who may do what. */
export const rightsFaults = {
  rights: {
    what: "the rights to an election, or to its leader's node, revoked and given back",
    lowerBound: 'as long as they are away, beyond the lease',
    async inject(context) {
      const { cluster, random } = context;
      const election = random.pick(ELECTIONS);
      const isOfLeader = random.chance(0.5);
      const forMs = disturbance(context);
      context.note(
        `revoke the rights to ${isOfLeader ? "the leader's node" : 'the path'} of "${election}" for ${ms(forMs)}`,
      );
      const path = `${BASE_PATH}/elections/${election}`;
      const closed = await cluster.inspect(async (client) => {
        const node = isOfLeader
          ? (await queue(client, election))[0]?.path
          : path;
        return node === undefined ? undefined : close(client, node);
      });
      await last(forMs);
      // The servers may have been stopped by another fault meanwhile.
      await cluster.inspect(async (client) => closed?.open(client));
    },
  },
} satisfies Record<string, Fault>;

/** Undefined where the node has gone already. */
async function close(
  client: WireClient,
  path: string,
): Promise<{ open(client: WireClient): Promise<void> } | undefined> {
  try {
    const acl = await client.getACL(path);
    await client.setACL(path, CLOSED);
    return {
      async open(later) {
        await later.setACL(path, acl).catch(unlessGone);
      },
    };
  } catch (error) {
    unlessGone(error);
    return undefined;
  }
}
