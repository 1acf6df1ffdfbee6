import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { LeaderElection } from 'nestjs-zookeeper-leader';
// Any PostgreSQL and any ZooKeeper will do.
import { PostgresServer } from '../../../test/support/postgres-server.js';
import { waitFor } from '../../../test/support/wait-for.js';
import { ZookeeperServer } from '../../../test/support/zookeeper-server.js';
import { AppModule } from '../src/app.module.js';
import { Database } from '../src/database.js';
import { enterFence } from '../src/fence.js';

let postgres: PostgresServer;
let zookeeper: ZookeeperServer;
const instances: TestingModule[] = [];

beforeAll(async () => {
  [postgres, zookeeper] = await Promise.all([
    PostgresServer.start(),
    ZookeeperServer.start(),
  ]);
  process.env.DATABASE_URL = postgres.url;
  process.env.ZOOKEEPER_CONNECTION_STRING = zookeeper.connectionString;
});

afterEach(async () => {
  await Promise.all(instances.splice(0).map((each) => each.close()));
});

afterAll(async () => {
  delete process.env.DATABASE_URL;
  delete process.env.ZOOKEEPER_CONNECTION_STRING;
  await Promise.all([postgres?.close(), zookeeper?.close()]);
});

async function start(): Promise<TestingModule> {
  const module = await Test.createTestingModule({
    imports: [AppModule],
  }).compile();
  module.useLogger(false);
  instances.push(module);
  return module.init();
}

/** What the account has, and how many ticks have had an effect. */
async function counts(
  module: TestingModule,
): Promise<{ balance: number; ticks: number }> {
  const { rows } = await module.get(Database).pool.query<{
    balance: string;
    ticks: string;
  }>('select (select balance from account) as balance, count(*) as ticks from leader_tick');
  return { balance: Number(rows[0]?.balance), ticks: Number(rows[0]?.ticks) };
}

it('every tick counts once, while leadership goes from hand to hand', async () => {
  const [first, second] = [await start(), await start()];
  await waitFor(async () => (await counts(first)).ticks >= 2, {
    description: 'two ticks',
  });
  for (const module of [first, second]) {
    await module.get(LeaderElection).resign();
  }
  const { ticks } = await counts(first);
  await waitFor(async () => (await counts(second)).ticks >= ticks + 2, {
    description: 'two more ticks',
  });
  const { rows } = await second
    .get(Database)
    .pool.query<{ tick: Date }>('select tick from leader_tick order by tick');
  const seconds = rows.map(({ tick }) => tick.getTime() / 1_000);
  // None twice, and none left out.
  expect(seconds).toEqual(
    seconds.map((_, index) => (seconds[0] as number) + index),
  );
  const now = await counts(second);
  expect(now.balance).toBe(now.ticks);
});

it('a former leader that comes too late writes nothing', async () => {
  const database = (await start()).get(Database);
  const write = (fencingToken: number, tick: Date): Promise<boolean> =>
    database.transaction((client) =>
      enterFence(client, { task: 'paused', tick, fencingToken }),
    );
  const [first, second] = [new Date(1_000), new Date(2_000)];
  expect(await write(7, first)).toBe(true);
  expect(await write(8, second)).toBe(true);
  await expect(write(7, new Date(3_000))).rejects.toThrow(
    'the run of "paused" with the token 7 is over',
  );
  // A second attempt of the same tick finds it done.
  expect(await write(8, second)).toBe(false);
});
