// @ts-check
/**
 * `npm run docs:screenshots`: pictures of the dashboard in six situations, made
 * from real instances, a real ZooKeeper and a real browser, into docs/images.
 *
 * `npm run docs:screenshots -- failing` makes those of one situation.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { buildLibrary, isBuildStale } from './support/build-library.mjs';
import { ensureChromium } from './support/chromium.mjs';
import { inProject } from './support/project.mjs';
import { runMain, step } from './support/steps.mjs';
import { startZookeeper } from './zookeeper/server.mjs';

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {{ child: import('node:child_process').ChildProcess, url: string }} Instance */

const PODS = ['x2k9p', 'q8mzt', 'b4fwr', 'zk7dn'].map(
  (pod) => `shop-api-7f9c6d5b8-${pod}`,
);
const WAIT_MS = 60_000;

/**
 * What happens before a picture is taken.
 *
 * @typedef {{ name: string, instances: number, runs?: number,
 *   prepare?: (page: Page, instances: Instance[],
 *     zookeeper: import('./zookeeper/server.mjs').ZookeeperProcess) => Promise<void>,
 *   shows: string }} Situation
 */

/** @type {Situation[]} */
const SITUATIONS = [
  { name: 'healthy', instances: 3, runs: 6, shows: '[data-state="good"]' },
  {
    name: 'failing',
    instances: 4,
    runs: 6,
    prepare: async (page, instances) => {
      const leader = instances[0];
      leader?.child.kill('SIGKILL');
      await page.waitForSelector('[data-left]', { timeout: WAIT_MS });
      await page.click(
        '[data-key="disclose task PaymentsService.retryFailedPayments"]',
      );
      await page.waitForSelector('.odd', { timeout: WAIT_MS });
    },
    shows: '.trouble',
  },
  {
    name: 'no-leader',
    instances: 2,
    runs: 4,
    prepare: async (page, instances) => {
      for (const { child } of instances) child.send('withdraw');
      await page.waitForSelector('.leader.none', { timeout: WAIT_MS });
      await delay(5_000);
    },
    shows: '.leader.none',
  },
  {
    name: 'zookeeper-down',
    instances: 3,
    runs: 4,
    prepare: async (page, _instances, zookeeper) => {
      await zookeeper.stop();
      await page.waitForSelector('[data-stale="yes"]', { timeout: WAIT_MS });
      await delay(8_000);
    },
    shows: '[data-stale="yes"] #as-of',
  },
  { name: 'empty', instances: 1, shows: '#task-list .empty' },
  { name: 'many', instances: 3, runs: 3, shows: '[data-task]' },
];

/** @type {{ suffix: string, viewport: { width: number, height: number }, colorScheme: 'light' | 'dark' }[]} */
const LOOKS = [
  { suffix: '', viewport: { width: 1280, height: 860 }, colorScheme: 'light' },
  {
    suffix: '-dark',
    viewport: { width: 1280, height: 860 },
    colorScheme: 'dark',
  },
  {
    suffix: '-phone',
    viewport: { width: 390, height: 844 },
    colorScheme: 'light',
  },
];

await runMain(async () => {
  const wanted = process.argv.slice(2);
  if (await isBuildStale()) {
    await step('Build', () => buildLibrary({ check: false }));
  }
  await mkdir(inProject('docs/images'), { recursive: true });
  for (const situation of SITUATIONS) {
    if (wanted.length === 0 || wanted.includes(situation.name)) {
      await step(situation.name, () => picture(situation));
    }
  }
});

/** @param {Situation} situation */
async function picture({ name, instances: count, runs, prepare, shows }) {
  const zookeeper = await startZookeeper();
  const profile = await mkdtemp(join(tmpdir(), 'screenshots-'));
  /** @type {Instance[]} */
  const instances = [];
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: await ensureChromium(),
    headless: true,
    args: ['--no-sandbox', '--disable-gpu'],
    locale: 'en-GB',
  });
  try {
    for (const id of PODS.slice(0, count)) {
      instances.push(await startInstance(name, id, zookeeper.connectionString));
    }
    const page = await browser.newPage();
    await page.setViewportSize({ width: 1280, height: 860 });
    await page.goto(instances.at(-1)?.url ?? '');
    if (runs !== undefined) {
      await enoughRuns(page, runs);
      await delay(25_000);
    }
    await prepare?.(page, instances, zookeeper);
    await page.waitForSelector(shows, { timeout: WAIT_MS });
    await delay(1_000);
    for (const { suffix, viewport, colorScheme } of LOOKS) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      await delay(500);
      const path = inProject(`docs/images/dashboard-${name}${suffix}.png`);
      await page.screenshot({ path, fullPage: name !== 'many' });
      console.log(path);
    }
  } finally {
    await browser.close();
    await rm(profile, { recursive: true, force: true });
    await Promise.all(
      instances.map(async ({ child }) => {
        if (child.exitCode === null && child.signalCode === null) {
          child.kill('SIGKILL');
          await once(child, 'exit');
        }
      }),
    );
    await zookeeper.close();
  }
}

/**
 * @param {string} situation
 * @param {string} instanceId
 * @param {string} connectionString
 * @returns {Promise<Instance>}
 */
async function startInstance(situation, instanceId, connectionString) {
  const child = fork(inProject('scripts/screenshots/shop.mjs'), {
    env: {
      ...process.env,
      SITUATION: situation,
      INSTANCE_ID: instanceId,
      CONNECT: connectionString,
    },
  });
  /** @type {[{ url: string }]} */
  const [{ url }] = /** @type {any} */ (await once(child, 'message'));
  return { child, url };
}

/**
 * Waits until some tasks have run. Not by waitForFunction(), which the page's
 * Content-Security-Policy forbids.
 *
 * @param {Page} page
 * @param {number} runs
 */
async function enoughRuns(page, runs) {
  const deadline = performance.now() + WAIT_MS;
  while ((await page.locator('.runs li').count()) < runs) {
    if (performance.now() > deadline) {
      throw new Error(`There were no ${runs} runs within ${WAIT_MS} ms.`);
    }
    await delay(200);
  }
}
