import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  expect,
  it,
} from '@jest/globals';
import { buildSample } from '../../../scripts/support/build-sample.mjs';
import { ensurePromtool } from '../../../scripts/support/promtool.mjs';
import { freePort } from '../../../scripts/zookeeper/free-port.mjs';
import { Browser } from '../../../test/support/browser.js';
import { ProcessInstance } from '../../../test/support/process-instance.js';
import { waitFor } from '../../../test/support/wait-for.js';
// Any ZooKeeper will do: `docker compose up zookeeper`, for example.
import { ZookeeperServer } from '../../../test/support/zookeeper-server.js';

const INSTALL_TIMEOUT_MS = 300_000;

let zookeeper: ZookeeperServer;
let browser: Browser;
let promtool: string;
let main: string;
let urls: string[];
let instances: ProcessInstance[];
let cases = 0;

/** In the page. */
const LEADER = `document.querySelector('[data-election="default"] .leader')?.textContent`;

beforeAll(async () => {
  main = await buildSample('02-operations');
  promtool = await ensurePromtool();
  zookeeper = await ZookeeperServer.start();
  browser = await Browser.start();
}, INSTALL_TIMEOUT_MS);

/** Three instances, of which the first leads. */
beforeEach(async () => {
  cases += 1;
  urls = [];
  instances = [];
  for (const number of [1, 2, 3]) {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    urls.push(url);
    instances.push(
      new ProcessInstance(main, {
        env: {
          PORT: String(port),
          INSTANCE_ID: `instance-${number}`,
          // Killed instances of one test take no part in the next one.
          ZOOKEEPER_CONNECTION_STRING: `${zookeeper.connectionString}/${cases}`,
        },
      }),
    );
    await waitFor(async () => (await fetch(`${url}/health`)).ok, {
      description: `instance ${number} to serve`,
      timeoutMs: 20_000,
    });
    await waitFor(async () => (await roleOf(url)) !== 'idle');
  }
});

afterEach(() => ProcessInstance.closeAll());

afterAll(async () => {
  await browser.close();
  await zookeeper.close();
});

async function roleOf(url: string): Promise<string | undefined> {
  const response = await fetch(`${url}/health`);
  const { details } = (await response.json()) as {
    details: { leader: { elections: Record<string, { role: string }> } };
  };
  return details.leader.elections.default?.role;
}

it('the dashboard of a follower shows the next leader without a reload', async () => {
  const { page, problems, foreignRequests } = await browser.open(
    `${urls[2]}/leadership`,
  );
  const leader = page.locator('[data-election="default"] .leader');
  await waitFor(async () => (await page.evaluate(LEADER)) === 'instance-1', {
    description: 'the page to show the leader',
  });
  await page.click('[data-key="disclose election default"]');
  const participants = page.locator(
    '[data-key="details election default"] .line .name',
  );
  await waitFor(async () => (await participants.count()) === 3, {
    description: 'the page to show the participants',
  });
  expect(await participants.allInnerTexts()).toEqual([
    'instance-1',
    'instance-2',
    'instance-3',
  ]);
  // Would be gone after a reload.
  await page.evaluate(`
    window.isSamePage = true;
    new MutationObserver(() => {
      if (${LEADER} === 'instance-2') window.isShown = true;
    }).observe(document.body, { childList: true, subtree: true });
  `);

  await instances[0]?.kill();
  await waitFor(() => page.evaluate('window.isShown'), {
    description: 'the page to show the next leader',
  });
  expect(await page.evaluate('window.isSamePage')).toBe(true);
  expect(await leader.innerText()).toBe('instance-2');
  await waitFor(
    async () =>
      (await page.locator('[data-task="invoices"] .runs li').count()) > 0,
    { description: 'a run of the task', timeoutMs: 15_000 },
  );
  expect(problems).toEqual([]);
  expect(foreignRequests).toEqual([]);
  await page.close();
});

it('the dashboard can be worked by the keyboard, and fits a phone, light and dark', async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page, problems } = await browser.open(`${urls[1]}/leadership`, {
      colorScheme,
      viewport: { width: 375, height: 812 },
    });
    await page.waitForSelector('[data-task="invoices"]');
    const width = await page.evaluate('document.documentElement.scrollWidth');
    expect(width).toBe(375);
    const ground = await page.evaluate(
      'getComputedStyle(document.documentElement).backgroundColor',
    );
    expect(ground).toBe(
      colorScheme === 'dark' ? 'rgb(20, 23, 26)' : 'rgb(251, 251, 249)',
    );
    // Down to the task's runs, which open, and stay open and in focus.
    const focused = (): Promise<string | undefined> =>
      page.evaluate<string | undefined>('document.activeElement?.dataset.key');
    await waitFor(async () => {
      await page.keyboard.press('Tab');
      return (await focused()) === 'disclose task invoices';
    });
    await page.keyboard.press('Enter');
    await page.waitForSelector(
      '[data-key="disclose task invoices"][aria-expanded="true"]',
    );
    expect(await focused()).toBe('disclose task invoices');
    // And to an action, which asks before it does anything.
    await page.click('[data-key="disclose task reminders"]');
    await page.locator('[data-key="run-here reminders"]').focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog[open]');
    expect(await page.evaluate('document.activeElement?.textContent')).toBe(
      'Cancel',
    );
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog:not([open])', { state: 'attached' });
    expect(problems).toEqual([]);
    await page.close();
  }
});

it('a leadership is moved on from the dashboard of another instance', async () => {
  const { page, problems } = await browser.open(`${urls[2]}/leadership`);
  await page.click('[data-key="disclose election default"]');
  await page.click('[data-key="hand-over default"]');
  await page.click('#confirm-yes');
  await waitFor(
    async () =>
      (await page.locator('#notice').innerText()) ===
      'instance-1 has resigned; instance-2 leads.',
    { description: 'the page to tell what became of it' },
  );
  expect(await roleOf(urls[1] as string)).toBe('leader');
  expect(problems).toEqual([]);
  await page.close();
});

it('the metrics, served by @willsoto/nestjs-prometheus, pass promtool', async () => {
  const metrics = await (await fetch(`${urls[0]}/metrics`)).text();
  expect(metrics).toContain('nestjs_leader_is_leader{election="default"} 1');
  // Those of Node.js do not pass all of promtool's advice.
  const own = metrics
    .split('\n')
    .filter((line) => /^(# \w+ )?nestjs_leader_/.test(line));
  const child = spawn(promtool, ['check', 'metrics']);
  child.stdin.end(`${own.join('\n')}\n`);
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  expect({ code: code as number, output, errors }).toEqual({
    code: 0,
    output: '',
    errors: '',
  });
});
