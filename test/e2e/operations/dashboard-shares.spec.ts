import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ZookeeperLeaderDashboardModule } from '../../../lib/dashboard/index.js';
import {
  getLeaderElectionToken,
  InjectLeaderElection,
  LeaderElection,
  LeaderElections,
  Partitions,
  type ZookeeperLeaderModuleOptions,
} from '../../../lib/index.js';
import { Browser, type WatchedPage } from '../../support/browser.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import {
  closeApplications,
  rootModule,
  track,
} from '../../support/nest-application.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

let server: ZookeeperServer;
let browser: Browser;

beforeAll(async () => {
  server = await ZookeeperServer.start();
  browser = await Browser.start();
});
afterEach(async () => {
  endRuns();
  await closeApplications();
});
afterAll(async () => {
  await browser.close();
  await server.close();
});

/** Ends what goes on in spite of the end of its leadership. */
let endRuns: () => void = () => undefined;

/** Takes part in two named elections. */
class Reports {
  constructor(
    @InjectLeaderElection('daily') readonly daily: LeaderElection,
    @InjectLeaderElection('weekly') readonly weekly: LeaderElection,
  ) {}
}

async function join(
  instanceId: string,
  options: ZookeeperLeaderModuleOptions,
  prepare: (app: INestApplication) => void = () => undefined,
): Promise<INestApplication> {
  const app = await NestFactory.create(
    rootModule({
      options: {
        connectionString: server.connectionString,
        instanceId,
        ...options,
      },
      imports: [ZookeeperLeaderDashboardModule.forRoot()],
      providers: options.balance ? [Reports] : [],
    }),
    {
      logger: new MemoryLogger(),
      abortOnError: false,
      forceCloseConnections: true,
    },
  );
  track(app);
  prepare(app);
  await app.listen(0, '127.0.0.1');
  return app;
}

/** The page of an instance, with something disclosed. */
async function open(
  app: INestApplication,
  disclosed: string,
): Promise<WatchedPage> {
  return browser.open(`${await app.getUrl()}/leadership#open=${disclosed}`);
}

/** Waits until what `selector` finds says this, each on a line without its details. */
async function waitForTexts(
  { page }: WatchedPage,
  selector: string,
  ...expected: RegExp[]
): Promise<void> {
  await waitFor(
    async () => {
      const texts = await page.locator(selector).allInnerTexts();
      return (
        texts.length === expected.length &&
        texts.every((text, index) =>
          expected[index]?.test(text.replaceAll(/\s+/g, ' ')),
        )
      );
    },
    { description: `${selector} to say ${expected.join(', ')}` },
  );
}

it('shows the priority of each participant, and who leads by it', async () => {
  const basePath = '/shares-priority';
  const blue = await join('blue', { basePath, priority: 7 });
  await blue.get(LeaderElection).waitForLeadership();
  const watched = await open(blue, 'election+default');
  await waitForTexts(watched, '.line li', /^1\. blue leads .*\bpriority 7, /);

  const plain = await join('plain', { basePath });
  await waitForTexts(
    watched,
    '.line li',
    /^1\. blue leads .*\bpriority 7, /,
    /^2\. plain (?!.*priority)/,
  );
  await join('green', { basePath, priority: 8 });
  await waitForTexts(
    watched,
    '.line li',
    /^1\. green leads .*\bpriority 8, /,
    /^2\. .*/,
    /^3\. .*/,
  );
  await plain.close();
  await waitForTexts(
    watched,
    '.line li',
    /^1\. green leads .*\bpriority 8, /,
    /^2\. blue (?!.*leads).*\bpriority 7, /,
  );
  expect(watched.problems).toEqual([]);
  await watched.page.close();
});

it('shows to whom a balanced election is assigned, until that instance leads', async () => {
  const options = { basePath: '/shares-balance', balance: true };
  const runs = new Promise<void>((resolve) => {
    endRuns = resolve;
  });
  const one = await join('one', options, (app) =>
    app.get(LeaderElections).addDrain(() => runs),
  );
  const { daily, weekly } = one.get(Reports);
  await Promise.all([daily.waitForLeadership(), weekly.waitForLeadership()]);
  const watched = await open(one, 'election+daily&open=election+weekly');
  const { page } = watched;
  await page.waitForSelector('[data-election="daily"]');
  await page.waitForSelector('[data-election="weekly"]');
  const assigned = page.locator('.details p.under');
  expect(await assigned.count()).toBe(0);

  const two = await join('two', options);
  await waitForTexts(watched, '.details p.under', /^assigned to two$/);
  expect(await page.locator('.leader').allInnerTexts()).toEqual(
    expect.arrayContaining([expect.stringContaining('one')]),
  );
  endRuns();
  await waitFor(async () => (await assigned.count()) === 0, {
    description: 'the election to be led by whom it is assigned to',
  });
  const led = [daily, weekly].filter((each) => each.isLeader());
  expect(led).toHaveLength(1);
  const moved = led[0] === daily ? 'weekly' : 'daily';
  const next = two.get<LeaderElection>(getLeaderElectionToken(moved));
  expect(next.isLeader()).toBe(true);
  expect(watched.problems).toEqual([]);
  await page.close();
});

it('says which applications share partitions, until only one is left', async () => {
  const basePath = '/shares-applications';
  const share = (app: INestApplication): void => {
    app.get(Partitions).of('mailboxes', 4);
  };
  const shop = await join('a', { basePath, application: 'shop' }, share);
  const watched = await open(shop, 'partitions+mailboxes');
  const { page, problems } = watched;
  await waitForTexts(watched, '.owners', /^a 4$/);
  const status = page.locator('#status');
  expect(await status.innerText()).not.toContain('several applications');

  const billing = await join('b', { basePath, application: 'billing' }, share);
  const warning = '[data-partitions="mailboxes"].trouble .why';
  await waitForTexts(
    watched,
    warning,
    /^Several applications share the partitions "mailboxes": "billing", "shop"\. .* basePath of its own/,
  );
  await waitFor(async () =>
    (await status.innerText()).includes(
      'partitions of several applications: 1',
    ),
  );
  expect(await status.getAttribute('data-state')).toBe('bad');

  await billing.close();
  await waitForTexts(watched, warning);
  await waitForTexts(watched, '.owners', /^a 4$/);
  await waitFor(
    async () => (await status.getAttribute('data-state')) === 'good',
  );
  expect(problems).toEqual([]);
  await page.close();
});
