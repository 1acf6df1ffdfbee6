import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { Registry } from 'prom-client';
import type { PartitionGroupView } from '../../../lib/cluster/partition-view.interface.js';
import { ZookeeperLeaderDashboardModule } from '../../../lib/dashboard/index.js';
import { ZookeeperLeaderHealthIndicator } from '../../../lib/health/index.js';
import {
  Partitions,
  type PartitionSet,
  type ZookeeperLeaderModuleOptions,
} from '../../../lib/index.js';
import { ZookeeperLeaderMetricsModule } from '../../../lib/metrics/index.js';
import { Browser } from '../../support/browser.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import {
  closeApplications,
  rootModule,
  track,
} from '../../support/nest-application.js';
import { PartitionFleet } from '../../support/partition-fleet.js';
import { CLI, runCli, type CliResult } from '../../support/run-cli.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient } from '../../support/wire-client.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const NAME = 'mailboxes';

let server: ZookeeperServer;
let browser: Browser;

beforeAll(async () => {
  server = await ZookeeperServer.start();
  browser = await Browser.start();
});
afterEach(closeApplications);
afterAll(async () => {
  await browser.close();
  await server.close();
});

interface Instance {
  readonly app: INestApplication;
  readonly set: PartitionSet;
  readonly registry: Registry;
  readonly url: string;
}

async function start(
  instanceId: string,
  options: ZookeeperLeaderModuleOptions,
  partitions = 12,
): Promise<Instance> {
  const registry = new Registry();
  const app = await NestFactory.create(
    rootModule({
      options: {
        connectionString: server.connectionString,
        instanceId,
        ...options,
      },
      imports: [
        TerminusModule,
        ZookeeperLeaderDashboardModule.forRoot(),
        ZookeeperLeaderMetricsModule.forRoot({ registry }),
      ],
      providers: [ZookeeperLeaderHealthIndicator],
    }),
    {
      logger: new MemoryLogger(),
      abortOnError: false,
      forceCloseConnections: true,
    },
  );
  track(app);
  const set = app.get(Partitions).of(NAME, partitions);
  await app.listen(0, '127.0.0.1');
  return { app, set, registry, url: `${await app.getUrl()}/leadership` };
}

function untilOwned(count: number, ...instances: Instance[]): Promise<unknown> {
  return waitFor(
    () => instances.every(({ set }) => set.owned.length === count),
    { description: `${count} partitions each`, timeoutMs: 20_000 },
  );
}

function run(...args: string[]): Promise<CliResult> {
  const { connectionString } = server;
  return runCli(args, { ZOOKEEPER_CONNECTION_STRING: connectionString });
}

async function valueOf(
  { registry }: Instance,
  sample: string,
): Promise<number | undefined> {
  const lines = (await registry.metrics()).split('\n');
  const line = lines.find((each) =>
    each.startsWith(`nestjs_leader_${sample} `),
  );
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

async function healthOf({ app }: Instance) {
  const indicator = app.get(ZookeeperLeaderHealthIndicator);
  const { leader } = await indicator.isHealthy('leader');
  return leader;
}

/** Puts a node that no session owns where the owner of partition 3 belongs. */
async function obstruct(basePath: string): Promise<() => Promise<void>> {
  const client = await WireClient.connect({
    port: server.port,
    timeoutMs: 10_000,
  });
  const owners = `${basePath}/partitions/${NAME}/owners`;
  await client.createAll(`${basePath}/partitions/${NAME}`);
  await client.create(owners, { data: '{"partitions":12}' });
  await client.create(`${owners}/3`);
  return async () => {
    await client.delete(`${owners}/3`);
    await client.close();
  };
}

describe('the command line', () => {
  it('tells who owns which partitions, since when, and how balanced that is', async () => {
    const basePath = '/operate-cli';
    const one = await start('one', { basePath });
    await untilOwned(12, one);
    const two = await start('two', { basePath });
    await untilOwned(6, one, two);

    const status = await run('status', `--base-path=${basePath}`);
    expect({ exitCode: status.exitCode, err: status.err }).toEqual({
      exitCode: 0,
      err: '',
    });
    expect(status.out).toMatch(
      /^0 tasks failing · 0 elections without a leader · 0 partitions without an owner · 2 instances below/m,
    );
    expect(status.out).toMatch(
      /^Partitions "mailboxes": 12 of 12 owned, balanced over 2 instances, 12 moved in the last minute, assignment \d+$/m,
    );
    expect(status.out).toMatch(/^ {2}two +owns 6 of 6 +weight 1 +\d/m);

    const all = await run('partitions', NAME, `--base-path=${basePath}`);
    const [first] = two.set.owned;
    expect(all.exitCode).toBe(0);
    expect(all.out).toMatch(
      new RegExp(
        `^ +${first?.partition} +two +since \\S+Z +fencing token ${first?.term.fencingToken}$`,
        'm',
      ),
    );
    const json = await run('--json', 'partitions', `--base-path=${basePath}`);
    const [group] = JSON.parse(json.out) as PartitionGroupView[];
    expect(group).toMatchObject({ group: NAME, partitions: 12, imbalance: 0 });
    const none = await run('partitions', 'no', `--base-path=${basePath}`);
    expect(none.exitCode).toBe(4);
    const doctor = await run('doctor', `--base-path=${basePath}`);
    expect(doctor.out).not.toContain('something else keeps nodes there');
  });

  it('watches moves, a line for all that an instance gets', async () => {
    const basePath = '/operate-watch';
    const one = await start('one', { basePath });
    await untilOwned(12, one);
    const child = spawn(
      process.execPath,
      [CLI, 'watch', `--base-path=${basePath}`],
      {
        env: {
          ...process.env,
          ZOOKEEPER_CONNECTION_STRING: server.connectionString,
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    try {
      await waitFor(() =>
        out.includes('"mailboxes": one owns 0-11 (12 in all)'),
      );
      const two = await start('two', { basePath });
      await untilOwned(6, one, two);
      await waitFor(() => /"mailboxes": two owns .*\(6 in all\)/.test(out));
      child.kill('SIGINT');
      const [code] = (await once(child, 'close')) as [number];
      expect(code).toBe(0);
    } finally {
      child.kill('SIGKILL');
    }
  });
});

describe('a partition that cannot be owned', () => {
  it('is told by status, health, metrics and page, until it can', async () => {
    const basePath = '/operate-blocked';
    const clear = await obstruct(basePath);
    const one = await start('one', { basePath });
    await untilOwned(11, one);

    const status = await run('status', `--base-path=${basePath}`);
    expect(status.exitCode).toBe(9);
    expect(status.out).toContain('1 partition without an owner');
    expect(status.out).toMatch(
      /Nobody owns 3 \(a node that no session owns is in the way: delete it\), seen for \d+/,
    );
    const health = await healthOf(one);
    expect(health.status).toBe('down');
    expect(health).toMatchObject({
      partitions: { [NAME]: { partitions: 12, owned: 11, assigned: 12 } },
    });
    const group = `{group="${NAME}"}`;
    expect(await valueOf(one, `partitions${group}`)).toBe(12);
    expect(await valueOf(one, `partitions_owned${group}`)).toBe(11);
    expect(await valueOf(one, `partitions_assigned${group}`)).toBe(12);
    expect(await valueOf(one, `partition_terms_total${group}`)).toBe(11);
    expect(await valueOf(one, 'problems')).toBe(1);

    const { page, problems } = await browser.open(one.url);
    const nobody = page.locator('.nobody');
    await waitFor(async () =>
      (await nobody.allInnerTexts()).join().startsWith('Nobody owns 3 (a node'),
    );
    await waitFor(async () =>
      (await page.locator('#status').innerText()).includes(
        '1 partition without an owner',
      ),
    );
    await clear();
    await untilOwned(12, one);
    await waitFor(async () => (await nobody.count()) === 0);
    await waitFor(async () => (await healthOf(one)).status === 'up');
    expect((await run('status', `--base-path=${basePath}`)).exitCode).toBe(0);
    expect(problems).toEqual([]);
    await page.close();
  });

  it('is a problem of the instance to which it is assigned, if the owner never gives it up', async () => {
    const fleet = new PartitionFleet(server.port, '/operate-late', 4, {
      drainTimeoutMs: 100,
    });
    fleet.drain = () => new Promise(() => undefined);
    const one = await fleet.start('one');
    await fleet.waitForBalance();
    const two = await fleet.start('two');
    await waitFor(() => two.elections.companions.problems.length === 1, {
      timeoutMs: 20_000,
    });
    expect(two.elections.companions.problems[0]).toMatch(
      /^2 partitions of "work" have been assigned to this instance for more than \d+ ms, and it does not own them/,
    );
    expect(two.elections.isHealthy).toBe(false);
    expect(one.elections.isHealthy).toBe(true);
    await fleet.close();
  });
});

describe('the page', () => {
  it('shows the owner of each of a few partitions, live', async () => {
    const basePath = '/operate-page';
    const one = await start('one', { basePath });
    await untilOwned(12, one);
    const { page, problems } = await browser.open(one.url);
    const cells = page.locator('.cells i');
    await waitFor(async () => (await cells.count()) === 12);
    await waitFor(async () =>
      (await cells.nth(3).getAttribute('title'))?.startsWith('3: one, since '),
    );
    const two = await start('two', { basePath });
    await untilOwned(6, one, two);
    await waitFor(
      async () =>
        (await page.locator('.owners').innerText()).replaceAll(/\s+/g, ' ') ===
        'one 6 two 6',
    );
    await page.click(`[data-key="disclose partitions ${NAME}"]`);
    const [first] = two.set.owned;
    await waitFor(async () =>
      (await page.locator('.details').allInnerTexts())
        .join('\n')
        .includes(String(first?.term.fencingToken)),
    );
    await waitFor(async () =>
      (await page.locator('[data-instance="two"]').innerText()).includes(
        `6 partitions of ${NAME}`,
      ),
    );
    expect(problems).toEqual([]);
    await page.close();
  });

  it.each([
    ['a desk', { width: 1280, height: 900 }, 'light'],
    ['a phone', { width: 390, height: 844 }, 'dark'],
  ] as const)(
    'shows a thousand of them on %s',
    async (_, viewport, colorScheme) => {
      const basePath = `/operate-many-${colorScheme}`;
      const one = await start('one', { basePath }, 1_000);
      const two = await start('two', { basePath }, 1_000);
      await untilOwned(500, one, two);
      const { page, problems } = await browser.open(one.url, {
        viewport,
        colorScheme,
      });
      await waitFor(
        async () => (await page.locator('.cells i').count()) === 1_000,
      );
      // The page shows first who has joined first.
      await waitFor(
        async () =>
          ['one 500 two 500', 'two 500 one 500'].includes(
            (await page.locator('.owners').innerText()).replaceAll(/\s+/g, ' '),
          ),
        { timeoutMs: 30_000 },
      );
      const { width, mapHeight } = (await page.evaluate(
        `({
        width: document.documentElement.scrollWidth,
        mapHeight: document.querySelector('.cells').clientHeight,
      })`,
      )) as { width: number; mapHeight: number };
      expect(width).toBeLessThanOrEqual(viewport.width);
      expect(mapHeight).toBeLessThan(viewport.height / 2);
      expect(problems).toEqual([]);
      if (process.env.SCREENSHOTS) {
        await page.screenshot({
          path: `${process.env.SCREENSHOTS}/many-${colorScheme}.png`,
          fullPage: true,
        });
      }
      await page.close();
    },
  );
});
