import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
} from '@jest/globals';
import {
  Injectable,
  type INestApplicationContext,
  type Type,
} from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { Registry } from 'prom-client';
import { ElectionQueue } from '../../../lib/election/election-queue.js';
import { listTasks } from '../../../lib/foreign-leader/participant-tasks.js';
import {
  ZookeeperLeaderHealthIndicator,
  type ZookeeperLeaderHealth,
} from '../../../lib/health/index.js';
import {
  LeaderElection,
  LeaderElections,
  OnlyLeader,
  type ZookeeperLeaderModuleOptions,
} from '../../../lib/index.js';
import { ZookeeperLeaderMetricsModule } from '../../../lib/metrics/index.js';
import { ElectionGroup } from '../../support/election-group.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { runCli, type CliResult } from '../../support/run-cli.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

let server: ZookeeperServer;
/** Of all instances: Nest has one logger for a process. */
let logger: MemoryLogger;

beforeEach(() => {
  logger = new MemoryLogger();
});
beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(closeApplications);
afterAll(() => server.close());

@Injectable()
class Shop {
  @OnlyLeader({ task: 'stock', scheduled: false })
  count(): void {
    // Done.
  }
}

@Injectable()
class Billing {
  @OnlyLeader({ task: 'invoices', ledger: true, scheduled: false })
  async send(): Promise<void> {
    // Done.
  }

  @OnlyLeader({ task: 'reminders', scheduled: false })
  remind(): void {
    // Done.
  }
}

/** A later version of the shop. */
@Injectable()
class BiggerShop extends Shop {
  @OnlyLeader({ task: 'returns', scheduled: false })
  takeBack(): void {
    // Done.
  }
}

/** An application with this many partitions. */
function partitioned(partitions: number): Type {
  @Injectable()
  class Mailboxes {
    @OnlyLeader({ task: 'mailboxes', partitions, scheduled: false })
    poll(): void {
      // Done.
    }
  }
  return Mailboxes;
}

/** An instance with all that shows what it thinks of the leader. */
class Instance {
  readonly registry = new Registry();
  app!: INestApplicationContext;

  async start(
    application: string,
    tasks: Type,
    options: ZookeeperLeaderModuleOptions,
  ): Promise<this> {
    this.app = await startApplication({
      options: {
        connectionString: server.connectionString,
        application,
        ...options,
      },
      imports: [
        TerminusModule,
        ZookeeperLeaderMetricsModule.forRoot({ registry: this.registry }),
      ],
      providers: [tasks, ZookeeperLeaderHealthIndicator],
      logger,
    });
    return this;
  }

  get election(): LeaderElection {
    return this.app.get(LeaderElection);
  }

  async leads(): Promise<this> {
    await this.election.waitForLeadership({ timeoutMs: 15_000 });
    await waitFor(
      async () => (await this.election.participants())[0]?.leaderSince,
    );
    return this;
  }

  async health(): Promise<ZookeeperLeaderHealth & { status: string }> {
    const { leader } = await this.app
      .get(ZookeeperLeaderHealthIndicator)
      .isHealthy('leader');
    return leader as unknown as ZookeeperLeaderHealth & { status: string };
  }

  async metric(name: string): Promise<number | undefined> {
    const lines = (await this.registry.metrics()).split('\n');
    const sample = `nestjs_leader_${name} `;
    const line = lines.find((each) => each.startsWith(sample));
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  }

  foreignLeader(): Promise<number | undefined> {
    return this.metric('foreign_leader{election="default"}');
  }

  foreignPartitions(): Promise<number | undefined> {
    return this.metric('foreign_partitions{group="mailboxes"}');
  }
}

/** What the log says about leaders of another application or version. */
function told(): string[] {
  return logger
    .messages()
    .filter((message) => /^The election \S+ is (not )?led by/.test(message));
}

/** An instance that leads or waits for its turn. */
async function join(
  application: string,
  tasks: Type,
  options: ZookeeperLeaderModuleOptions,
): Promise<Instance> {
  const instance = await new Instance().start(application, tasks, options);
  await waitFor(() => instance.election.leadership.role !== 'idle');
  return instance;
}

function run(...args: string[]): Promise<CliResult> {
  const { connectionString } = server;
  return runCli(args, { ZOOKEEPER_CONNECTION_STRING: connectionString });
}

const FOREIGN =
  'The election /nestjs-leader/elections/default is led by another ' +
  'application, "shop-1" of "shop": "billing-1" of "billing" waits behind it. ' +
  'The leader does not have the tasks "invoices", "reminders": they do not ' +
  'run. Give each application a basePath of its own; if both are one, give them ' +
  'the same option application.';

describe('two applications on the default base path', () => {
  it('say so, both of them, until one of them is gone', async () => {
    const shop = await join('shop', Shop, { instanceId: 'shop-1' });
    await shop.leads();
    const billing = await join('billing', Billing, { instanceId: 'billing-1' });
    await waitFor(() => told().length > 0);
    expect(logger.messages('warn')).toContain(FOREIGN);
    expect(await billing.health()).toMatchObject({
      status: 'up',
      warnings: [FOREIGN],
    });
    expect(await billing.foreignLeader()).toBe(1);
    expect(await billing.metric('problems')).toBe(0);
    await waitFor(() => told().length > 1, {
      timeoutMs: 20_000,
      description: 'the leader to look at those behind it',
    });
    expect(await shop.health()).toMatchObject({
      status: 'up',
      warnings: [FOREIGN],
    });
    expect(await shop.foreignLeader()).toBe(1);

    const { exitCode, out, err } = await run('status');
    expect({ exitCode, err }).toEqual({ exitCode: 10, err: '' });
    expect(out).toContain('1 election with a foreign leader');
    expect(out).toContain(FOREIGN);
    const asJson = await run('status', '--json');
    expect(asJson.exitCode).toBe(10);
    expect(JSON.parse(asJson.out)).toMatchObject({
      verdict: { foreign: ['default'] },
      elections: [
        {
          warnings: [FOREIGN],
          participants: [
            { application: 'shop', tasks: { names: ['stock'] } },
            {
              application: 'billing',
              tasks: { names: ['invoices', 'reminders'] },
            },
          ],
        },
      ],
    });

    await shop.app.close();
    await billing.leads();
    expect(await billing.foreignLeader()).toBe(0);
    expect(await billing.health()).not.toHaveProperty('warnings');
    expect((await run('status')).exitCode).toBe(0);
    // Once for each of them, however often they have looked. That it is over is
    // said later, or not before the test has ended.
    expect(told().filter((line) => line === FOREIGN)).toHaveLength(2);
  });

  it('say nothing on base paths of their own', async () => {
    const shop = await join('shop', Shop, { basePath: '/own-shop' });
    const billing = await join('billing', Billing, {
      basePath: '/own-billing',
    });
    await shop.leads();
    await billing.leads();
    expect((await run('status', '--base-path=/own-shop')).exitCode).toBe(0);
    expect(told()).toEqual([]);
  });

  it('are noticed by those that are far behind, too', async () => {
    const basePath = '/far-behind';
    const shop = await join('shop', Shop, { basePath, instanceId: 'shop' });
    await shop.leads();
    const ids = ['b1', 'b2', 'b3'];
    for (const instanceId of ids) {
      // Nothing here watches the leader.
      const app = await startApplication({
        options: {
          connectionString: server.connectionString,
          application: 'billing',
          basePath,
          instanceId,
        },
        providers: [Billing],
        logger,
      });
      await waitFor(
        () => app.get(LeaderElection).leadership.role === 'follower',
      );
    }
    await waitFor(() =>
      ids.every((id) =>
        told().some((line) => line.includes(`"${id}" of "billing" waits`)),
      ),
    );
  });
});

describe.each([
  { counts: 'the same number', ofBilling: 4 },
  { counts: 'another number', ofBilling: 6 },
])('two applications with partitions of one name and $counts', (numbers) => {
  const SHARED =
    'Several applications share the partitions "mailboxes": "billing", "shop". ' +
    'Each partition has one owner, and only the application of the owner works ' +
    'on it. Give each application a basePath of its own; if they are one, give ' +
    'them the same option application.';

  it('say so, both of them, until one of them is gone', async () => {
    const basePath = `/partitions-${numbers.ofBilling}`;
    const partitions = ['--base-path', basePath, 'partitions'];
    const shop = await join('shop', partitioned(4), { basePath });
    await waitFor(async () => (await run(...partitions)).exitCode === 0);
    expect(await shop.foreignPartitions()).toBe(0);
    const billing = await join('billing', partitioned(numbers.ofBilling), {
      basePath,
    });
    const warned = () =>
      logger.messages('warn').filter((message) => message === SHARED);
    await waitFor(() => warned().length === 2, {
      description: 'both to warn',
    });
    for (const each of [shop, billing]) {
      expect(await each.health()).toMatchObject({
        status: 'up',
        warnings: expect.arrayContaining([SHARED]),
      });
      expect(await each.foreignPartitions()).toBe(1);
    }
    const seen = await run(...partitions);
    expect(seen).toMatchObject({ exitCode: 10, err: '' });
    expect(seen.out).toContain(SHARED);
    const all = await run('--base-path', basePath, 'status');
    expect(all.exitCode).toBe(10);
    expect(all.out).toContain('partitions of several applications: 1');

    await shop.app.close();
    await waitFor(async () => (await billing.health()).warnings === undefined);
    expect(await billing.foreignPartitions()).toBe(0);
    expect(logger.messages('log')).toContain(
      'Only one application shares the partitions "mailboxes" now',
    );
    await waitFor(async () => (await run(...partitions)).exitCode === 0);
    expect(warned()).toHaveLength(2);
  });
});

describe('two versions of an application', () => {
  it('say which task the leader lacks, as long as it does', async () => {
    const basePath = '/rolling';
    const former = await join('shop', Shop, { basePath, instanceId: 'v1' });
    await former.leads();
    const next = await join('shop', BiggerShop, { basePath, instanceId: 'v2' });
    await waitFor(() => told().length > 0);
    expect(told()).toEqual([
      `The election ${basePath}/elections/default is led by another version, ` +
        '"v1": "v2" waits behind it. The leader does not have the tasks ' +
        '"returns": they do not run. While a new version is deployed, this ' +
        'passes. If it stays, deploy the same version everywhere, or give each ' +
        'application a basePath of its own.',
    ]);
    expect(await next.health()).toMatchObject({ status: 'up' });
    expect((await run('status', `--base-path=${basePath}`)).exitCode).toBe(10);
    await former.app.close();
    await next.leads();
    const before = told().length;
    // A leader that can do more is no problem.
    const late = await join('shop', Shop, { basePath, instanceId: 'v1 again' });
    await waitFor(async () => (await late.health()).elections.default?.leader);
    expect((await run('status', `--base-path=${basePath}`)).exitCode).toBe(0);
    expect(told()).toHaveLength(before);
    expect(await late.foreignLeader()).toBe(0);
  });

  it('say nothing where entries of earlier versions tell nothing', async () => {
    const basePath = '/earlier';
    const group = new ElectionGroup(server.port, basePath);
    try {
      // Its entries are those of 0.1.0, byte by byte.
      const earlier = await group.join('earlier');
      await group.waitForLeader(earlier);
      const shop = await join('shop', Shop, { basePath, instanceId: 'shop' });
      await waitFor(
        async () => (await shop.health()).elections.default?.leader,
      );
      const [first, second] = await shop.election.participants();
      expect(first).not.toHaveProperty('tasks');
      expect(first).not.toHaveProperty('application');
      expect(second).toMatchObject({ application: 'shop' });
      expect(told()).toEqual([]);
      expect((await run('status', `--base-path=${basePath}`)).exitCode).toBe(0);
      await earlier.close();
      await shop.leads();
    } finally {
      await group.close();
    }
  });
});

describe('tasks that are made while the application runs', () => {
  it('are told by the entry, of a leader and of a follower', async () => {
    const basePath = '/run-time';
    const first = await join('shop', Shop, { basePath, instanceId: 'first' });
    await first.leads();
    const term = await first.election.waitForLeadership();
    const second = await join('shop', Shop, { basePath, instanceId: 'second' });
    const tasksOf = async (index: number) =>
      (await first.election.participants())[index]?.tasks?.names;
    const makeTask = ({ election }: Instance, task: string) =>
      election.onlyLeader(() => undefined, { task });

    const late = makeTask(second, 'late');
    await waitFor(async () => (await tasksOf(1))?.join() === 'late,stock');
    await waitFor(() => told().length > 0);
    expect(told()[0]).toContain('does not have the tasks "late"');
    makeTask(first, 'late');
    await waitFor(async () => (await tasksOf(0))?.join() === 'late,stock');
    await waitFor(() => told().length > 1);
    expect(told()[1]).toBe(
      `The election ${basePath}/elections/default is not led by another ` +
        'application or version any more, as far as this instance sees',
    );
    expect(await second.foreignLeader()).toBe(0);
    late.dispose();
    await waitFor(async () => (await tasksOf(1))?.join() === 'stock', {
      timeoutMs: 15_000,
    });
    expect(term.signal.aborted).toBe(false);
    await first.election.resign();
    await second.leads();
    // At the end of the queue it tells the same.
    await waitFor(async () => (await tasksOf(1))?.join() === 'late,stock');
  });

  it('overwrite nothing that somebody else has written to the entry', async () => {
    const basePath = '/run-time-resign';
    const first = await join('shop', Shop, { basePath, instanceId: 'first' });
    await first.leads();
    const { client, paths } = first.app.get(LeaderElections)
      .session as NonNullable<LeaderElections['session']>;
    const path = paths.election('default');
    const [own] = await first.election.participants();
    const node = own?.node as string;
    const former = await client.get(`${path}/${node}`);
    // Not addressed to this term: the leader leaves it where it is.
    const requested = JSON.stringify({
      ...(JSON.parse(former.data) as object),
      fencingToken: 1,
      resignRequestedBy: 'a test',
    });
    await client.set(`${path}/${node}`, requested);
    const queue = new ElectionQueue(
      client,
      path,
      { instanceId: 'first', host: 'test', pid: 1 },
      () => listTasks(['late']),
    );
    await expect(queue.restate(node, former)).rejects.toMatchObject({
      code: 'BAD_VERSION',
    });
    await queue.restate(node, await client.get(`${path}/${node}`));
    const { data } = await client.get(`${path}/${node}`);
    expect(JSON.parse(data)).toMatchObject({
      instanceId: 'first',
      resignRequestedBy: 'a test',
      leaderSince: expect.any(String),
      tasks: { names: ['late'] },
    });
  });
});
