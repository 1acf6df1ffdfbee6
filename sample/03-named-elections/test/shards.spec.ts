import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { waitFor } from '../../../test/support/wait-for.js';
// Any ZooKeeper will do.
import { ZookeeperServer } from '../../../test/support/zookeeper-server.js';
import { AppModule } from '../src/app.module.js';
import { ShardWorker } from '../src/shard-worker.js';
import { Shards } from '../src/shards.js';

let zookeeper: ZookeeperServer;
const instances: INestApplication[] = [];

beforeAll(async () => {
  zookeeper = await ZookeeperServer.start();
  process.env.ZOOKEEPER_CONNECTION_STRING = zookeeper.connectionString;
});

afterEach(async () => {
  await Promise.all(instances.splice(0).map((each) => each.close()));
});

afterAll(async () => {
  delete process.env.ZOOKEEPER_CONNECTION_STRING;
  await zookeeper.close();
});

async function start(): Promise<INestApplication> {
  const module = await Test.createTestingModule({
    imports: [AppModule],
  }).compile();
  module.useLogger(false);
  const app = module.createNestApplication();
  instances.push(app);
  await app.listen(0, '127.0.0.1');
  return app;
}

/** How many shards each instance works on, the busiest first. */
function shares(): number[] {
  return instances
    .map((app) => app.get(Shards).led.length)
    .toSorted((a, b) => b - a);
}

async function untilShares(...expected: number[]): Promise<void> {
  await waitFor(() => String(shares()) === String(expected), {
    description: `shares of ${expected.join(', ')}`,
    timeoutMs: 20_000,
  });
}

it('the shards are spread over the instances, and move when one ends', async () => {
  const first = await start();
  await untilShares(4);
  await start();
  await untilShares(2, 2);
  await start();
  await untilShares(2, 1, 1);

  instances.splice(instances.indexOf(first), 1);
  await first.close();
  await untilShares(2, 2);
  expect(instances).toHaveLength(2);
});

it('who works on what is told by any instance', async () => {
  await start();
  const second = await start();
  await untilShares(2, 2);
  const response = await fetch(`${await second.getUrl()}/shards`);
  const queues = (await response.json()) as Record<string, string[]>;
  expect(Object.keys(queues)).toEqual([
    'shard-0',
    'shard-1',
    'shard-2',
    'shard-3',
  ]);
  expect(new Set(Object.values(queues).map(([leader]) => leader)).size).toBe(2);
});

it('an instance works on the shards that it leads alone', async () => {
  const only = await start();
  await untilShares(4);
  const { handled } = only.get(ShardWorker);
  await waitFor(() => new Set(handled).size === Shards.count, {
    description: 'work on all shards',
  });
  await start();
  await untilShares(2, 2);
  const led = only.get(Shards).led.map(({ name }) => name);
  const from = handled.length;
  await waitFor(() => handled.length > from + 8, {
    description: 'some more work',
  });
  // What was under way when leadership ended may have been noted just before.
  const recent = new Set(handled.slice(from + 4));
  expect([...recent].toSorted()).toEqual(led.toSorted());
});
