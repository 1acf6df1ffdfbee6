import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Random } from '../../faults/random.js';
import {
  type FleetMember,
  PartitionFleet,
} from '../../support/partition-fleet.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

/** `WALK_CHANGES=500 npm run jest -- test/e2e/partitions/walk` for the long form. */
const CHANGES = Number(process.env.WALK_CHANGES ?? 24);
const SEED = process.env.WALK_SEED ?? String(Date.now());
const MOST_INSTANCES = 8;
const PARTITIONS = 20;

let server: ZookeeperServer;
let fleet: PartitionFleet;

beforeAll(async () => {
  server = await ZookeeperServer.start();
  fleet = new PartitionFleet(server.port, '/walk', PARTITIONS, {
    isProxied: true,
  });
});
afterEach(() => fleet.close());
afterAll(() => server.close());

it(
  `stays balanced and moves no more than it has to in ${CHANGES} changes at random, of up to ${MOST_INSTANCES} instances`,
  async () => {
    const random = new Random(SEED);
    const history: string[] = [];
    try {
      await fleet.start('i0');
      await fleet.waitForBalance();
      for (let change = 1; change <= CHANGES; change++) {
        const before = fleet.owners;
        const { what, who, comesBack } = await changeSomething(random, change);
        history.push(`${what} ${who}`);
        await fleet.waitForBalance();
        if (comesBack) {
          await comesBack();
          await fleet.waitForBalance();
        }
        // What moves, moves from or to the instance that has joined or left.
        const mayMove = what === 'reconnect' ? undefined : who;
        const strange = fleet.owners
          .map((owner, partition) => [before[partition], owner] as const)
          .filter(
            ([from, to]) => from !== to && from !== mayMove && to !== mayMove,
          );
        expect(strange).toEqual([]);
      }
    } catch (error) {
      throw new Error(
        `WALK_SEED=${SEED}, after ${history.join(', ')}: ${String(error)}`,
        { cause: error },
      );
    }
  },
  60_000 + CHANGES * 5_000,
);

type Kind = 'join' | 'leave' | 'expire' | 'reconnect';

interface Change {
  readonly what: Kind;
  readonly who: string;
  /** Waits until the instance is there again. */
  readonly comesBack?: () => Promise<unknown>;
}

async function changeSomething(
  random: Random,
  change: number,
): Promise<Change> {
  const { running } = fleet;
  const member = random.pick(running);
  const what = random.pick<Kind>([
    ...(running.length < MOST_INSTANCES ? (['join', 'join'] as const) : []),
    ...(running.length > 1 ? (['leave', 'leave', 'expire'] as const) : []),
    'reconnect',
  ]);
  if (what === 'join') {
    const { name } = await fleet.start(`i${change}`);
    return { what, who: name };
  }
  const comesBack = hasChanged(
    member,
    what === 'expire' ? 'sessionId' : 'epoch',
  );
  if (what === 'leave') {
    await member.close();
  } else if (what === 'expire') {
    await fleet.expire(member);
    return { what, who: member.name, comesBack };
  } else {
    member.proxy?.cut();
    await comesBack();
  }
  return { what, who: member.name };
}

/** What waits for another session or connection than the present one. */
function hasChanged(
  { elections }: FleetMember,
  key: 'sessionId' | 'epoch',
): () => Promise<unknown> {
  const connection = () => elections.session?.client.connection;
  const before = connection()?.[key];
  return () =>
    waitFor(
      () =>
        connection()?.state === 'connected' && connection()?.[key] !== before,
      { description: `another ${key}` },
    );
}
