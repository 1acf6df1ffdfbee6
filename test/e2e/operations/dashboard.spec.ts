import { connect, type Socket } from 'node:net';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import {
  Injectable,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  ZookeeperLeaderDashboardModule,
  type ZookeeperLeaderDashboardOptions,
} from '../../../lib/dashboard/index.js';
import {
  LeaderElection,
  LeaderElections,
  OnlyLeader,
  type ZookeeperLeaderModuleOptions,
} from '../../../lib/index.js';
import { Browser } from '../../support/browser.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import {
  closeApplications,
  rootModule,
  startApplication,
  track,
} from '../../support/nest-application.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

interface State {
  about: { instanceId: string; connection: string; isComplete: boolean };
  elections: {
    election: string;
    leader: { instanceId: string } | null;
    participants: { instanceId: string }[];
    terms: { instanceId: string; until?: string }[];
  }[];
  tasks: { task: string; runs: { outcome: string }[]; runsAreFrom: string }[];
}

let server: ZookeeperServer;
const streams = new Set<AbortController>();

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(async () => {
  await closeStreams();
  await closeApplications();
});

async function closeStreams(): Promise<void> {
  for (const stream of streams) {
    stream.abort();
  }
  streams.clear();
}

afterAll(() => server.close());

@Injectable()
class Reports {
  @OnlyLeader({ task: 'report', ledger: true, scheduled: false })
  async send(): Promise<void> {
    // Done.
  }

  @OnlyLeader({ task: 'plain', scheduled: false })
  plain(): void {
    // Done.
  }
}

@Injectable()
class BillingReports {
  @OnlyLeader({ task: 'invoices', scheduled: false })
  send(): void {
    // Done.
  }
}

const EVIL = '<img src=x onerror="document.title=1">';

@Injectable()
class EvilReports {
  @OnlyLeader({ election: EVIL, task: EVIL, ledger: true, scheduled: false })
  async send(): Promise<void> {
    throw new Error(EVIL);
  }
}

@Injectable()
class KeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context
      .switchToHttp()
      .getRequest<{ headers: Record<string, string> }>();
    return headers.key === 'right';
  }
}

let asked = 0;

/** Asks a database, say. */
@Injectable()
class SlowGuard implements CanActivate {
  async canActivate(): Promise<boolean> {
    asked += 1;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return true;
  }
}

async function startWithDashboard(
  options: ZookeeperLeaderModuleOptions,
  dashboard: ZookeeperLeaderDashboardOptions = {},
  adapter: ExpressAdapter | FastifyAdapter = new ExpressAdapter(),
  reports: Type = Reports,
): Promise<{ app: INestApplication; url: string }> {
  const app = await NestFactory.create(
    rootModule({
      options: { connectionString: server.connectionString, ...options },
      imports: [ZookeeperLeaderDashboardModule.forRoot(dashboard)],
      providers: [reports],
    }),
    adapter,
    { logger: new MemoryLogger(), abortOnError: false },
  );
  track(app);
  await app.listen(0, '127.0.0.1');
  if (options.enabled !== false) {
    await app.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
  }
  return { app, url: `${await app.getUrl()}/leadership` };
}

async function stateOf(url: string): Promise<State> {
  return (await (await fetch(`${url}/api/state`)).json()) as State;
}

/** Follows the stream; what it has told so far is in `text`. */
async function follow(url: string): Promise<{ text: string; ended: boolean }> {
  const abort = new AbortController();
  streams.add(abort);
  const response = await fetch(`${url}/api/events`, { signal: abort.signal });
  const told = { text: '', ended: false };
  void (async () => {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) {
        told.text += decoder.decode(chunk as Uint8Array, { stream: true });
      }
    } catch {
      // The test is over.
    }
    told.ended = true;
  })();
  return told;
}

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('the dashboard on %s', (name, adapter) => {
  const basePath = `/dashboard-${name}`;

  it('serves a page, its data and a stream of changes', async () => {
    const { app, url } = await startWithDashboard(
      { basePath, instanceId: 'here' },
      {},
      adapter(),
    );
    const page = await fetch(url);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const policy = page.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    expect(await page.text()).toContain('<title>Leadership</title>');

    const stream = await follow(url);
    await waitFor(() => stream.text.includes('"election:default"'));
    await app.get(Reports).send();
    await waitFor(() => stream.text.includes('"outcome":"finished"'));
    app.get(Reports).plain();
    const state = await waitFor(async () => {
      const now = await stateOf(url);
      return now.tasks.every(({ runs }) => runs.length === 1) ? now : undefined;
    });
    expect(state).toMatchObject({
      about: { instanceId: 'here', connection: 'connected', isComplete: true },
      elections: [
        {
          election: 'default',
          leader: { instanceId: 'here' },
          participants: [{ instanceId: 'here' }],
          terms: [{ instanceId: 'here' }],
        },
      ],
      tasks: [
        { task: 'plain', runsAreFrom: 'this instance' },
        { task: 'report', runsAreFrom: 'ledger' },
      ],
    });
    // Open streams do not keep the application from closing.
    await app.close();
    await waitFor(() => stream.ended);
  });

  it('lets nobody act by default, and otherwise whom the guards let', async () => {
    const readOnly = await startWithDashboard(
      { standalone: true },
      {},
      adapter(),
    );
    const action = '/api/run-here?task=plain&instance=here';
    const post = (url: string, headers: Record<string, string>) =>
      fetch(url + action, { method: 'POST', headers });
    const allowed = { 'x-leadership-action': 'yes', key: 'right' };
    expect((await post(readOnly.url, allowed)).status).toBe(404);

    const { url } = await startWithDashboard(
      { standalone: true, instanceId: 'here' },
      { actions: { guard: KeyGuard } },
      adapter(),
    );
    expect((await fetch(url)).status).toBe(200);
    const { key } = allowed;
    for (const refused of [
      { key },
      { ...allowed, key: 'wrong' },
      { ...allowed, 'sec-fetch-site': 'cross-site' },
      { ...allowed, 'sec-fetch-site': 'same-site' },
      { ...allowed, origin: 'https://elsewhere.example' },
    ]) {
      expect((await post(url, refused as Record<string, string>)).status).toBe(
        403,
      );
    }
    const done = await post(url, allowed);
    expect(done.status).toBe(200);
    expect(((await done.json()) as { message: string }).message).toMatch(
      /^"plain" has run on /,
    );
    const unknown = await fetch(`${url}/api/run-here?task=none&instance=here`, {
      method: 'POST',
      headers: allowed,
    });
    expect(unknown.status).toBe(404);
  });

  it('shows nothing to whom its guard refuses', async () => {
    const { url } = await startWithDashboard(
      { standalone: true },
      { guard: KeyGuard },
      adapter(),
    );
    for (const path of ['', '/api/state', '/api/events']) {
      expect((await fetch(url + path)).status).toBe(403);
    }
    const seen = await fetch(url, { headers: { key: 'right' } });
    expect(seen.status).toBe(200);
  });
});

describe('the dashboard', () => {
  it('refuses actions of which nothing says who may do them', () => {
    expect(() =>
      ZookeeperLeaderDashboardModule.forRoot({
        actions: {} as { guard: false },
      }),
    ).toThrow('ZookeeperLeaderDashboardModule: option actions.guard');
  });

  it('takes nothing that is written in ZooKeeper for markup', async () => {
    const { app, url } = await startWithDashboard(
      { basePath: '/dashboard-evil', instanceId: EVIL },
      { actions: { guard: false } },
      new ExpressAdapter(),
      EvilReports,
    );
    await app
      .get(LeaderElections)
      .get(EVIL)
      .waitForLeadership({ timeoutMs: 10_000 });
    await expect(app.get(EvilReports).send()).rejects.toThrow(EVIL);
    const browser = await Browser.start();
    try {
      const { page, problems } = await browser.open(url);
      await waitFor(
        async () =>
          (await page.locator('.leader').first().innerText()) === EVIL,
      );
      await page.click(`[data-task^="<img"] .disclose`);
      await page.click(`[data-election^="<img"] .disclose`);
      await page.click('summary');
      await page.click('[data-key^="hand-over <img"]');
      for (const place of [
        '[data-election^="<img"] .title .name',
        '.line .name',
        '[data-task^="<img"] .title .name',
        '[data-task^="<img"] .why',
        '.details .error',
        '.details tbody td:nth-child(4)',
        '#timeline tbody td:nth-child(2)',
        '#about',
        '#instance-list .name',
        '#confirm-text',
      ]) {
        expect(await page.locator(place).first().innerText()).toContain(EVIL);
      }
      expect(await page.locator('img').count()).toBe(0);
      expect(await page.title()).toBe('1 problem · Leadership');
      expect(problems).toEqual([]);
    } finally {
      await browser.close();
    }
  });

  it('shows a leader that is of another application than who waits', async () => {
    const basePath = '/dashboard-foreign';
    const { url } = await startWithDashboard({
      basePath,
      application: 'shop',
      instanceId: 'shop-1',
    });
    await startApplication({
      options: {
        connectionString: server.connectionString,
        basePath,
        application: 'billing',
        instanceId: 'billing-1',
      },
      providers: [BillingReports],
    });
    const browser = await Browser.start();
    try {
      const { page, problems } = await browser.open(url);
      const row = page.locator('[data-election="default"]');
      await waitFor(
        async () =>
          (await row.innerText()).includes('Foreign leader: The election'),
        { description: 'the page to show the foreign leader' },
      );
      expect(await row.locator('.why').innerText()).toContain(
        'is led by another application, "shop-1" of "shop": "billing-1" of ' +
          '"billing" waits behind it. The leader does not have the tasks',
      );
      expect(await row.getAttribute('class')).toBe('trouble');
      expect(await page.locator('#status').getAttribute('data-state')).toBe(
        'bad',
      );
      expect(await page.locator('#status-text').innerText()).toContain(
        '1 election with a foreign leader',
      );
      expect(await page.title()).toBe('1 problem · Leadership');
      await page.click('[data-key="disclose election default"]');
      await waitFor(async () =>
        (await page.locator('.line').innerText()).includes('billing'),
      );
      expect(problems).toEqual([]);
      await page.close();
    } finally {
      await browser.close();
    }
  });

  it('asks ZooKeeper as much for twenty browsers as for one, and nothing for none', async () => {
    const proxy = await TcpProxy.start({ targetPort: server.port });
    try {
      const basePath = '/dashboard-load';
      const leader = await startApplication({
        options: { connectionString: server.connectionString, basePath },
        providers: [Reports],
      });
      await leader.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
      const { url } = await startWithDashboard({
        connectionString: proxy.connectionString,
        basePath,
        enabled: false,
      });
      /** Reads of the instance that serves the dashboard, while tasks run. */
      const readsDuring = async (runs: number): Promise<number> => {
        const before = proxy.requests().length;
        for (let run = 0; run < runs; run++) {
          await leader.get(Reports).send();
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        return proxy.requests().length - before;
      };
      // Once it has been started.
      await waitFor(async () => (await readsDuring(5)) === 0, {
        description: 'no reads while nobody looks',
      });

      const one = await follow(url);
      await waitFor(() => one.text.includes('"outcome":"finished"'));
      const forOne = await readsDuring(10);
      expect(forOne).toBeGreaterThan(0);
      const many = await Promise.all(
        Array.from({ length: 20 }, () => follow(url)),
      );
      await waitFor(() =>
        many.every(({ text }) => text.includes('"outcome":"finished"')),
      );
      const forMany = await readsDuring(10);
      // Two writes a run, and no more than one read for each.
      expect(forOne).toBeLessThanOrEqual(22);
      expect(forMany).toBeLessThanOrEqual(22);

      // However often somebody asks, once what the last run has changed is read.
      await waitFor(
        async () => {
          const before = proxy.requests().length;
          await Promise.all(Array.from({ length: 100 }, () => stateOf(url)));
          return proxy.requests().length - before <= 2;
        },
        { description: 'all who ask to be told what is known' },
      );
    } finally {
      await closeApplications();
      proxy.close();
    }
  });

  it.each([
    ['Express', () => new ExpressAdapter()],
    ['Fastify', () => new FastifyAdapter()],
  ])(
    'on %s keeps nothing for a thousand browsers that go before an asynchronous guard has answered',
    async (_name, adapter) => {
      asked = 0;
      const { app, url } = await startWithDashboard(
        { standalone: true },
        { guard: SlowGuard },
        adapter(),
      );
      const held = new Set<unknown>();
      const [set, clear] = [globalThis.setInterval, globalThis.clearInterval];
      jest.spyOn(globalThis, 'setInterval').mockImplementation((...args) => {
        const timer = set(...args);
        held.add(timer);
        return timer;
      });
      jest.spyOn(globalThis, 'clearInterval').mockImplementation((timer) => {
        held.delete(timer);
        clear(timer);
      });
      for (let batch = 0; batch < 10; batch++) {
        const abort = new AbortController();
        const gone = Array.from({ length: 100 }, () =>
          fetch(`${url}/api/events`, { signal: abort.signal }).catch(
            () => undefined,
          ),
        );
        const wanted = (batch + 1) * 100;
        await waitFor(() => asked === wanted, { timeoutMs: 60_000 });
        abort.abort();
        await Promise.all(gone);
      }
      // All places are free again, and hold no timer.
      const followed = await Promise.all(
        Array.from({ length: 200 }, () => follow(url)),
      );
      await waitFor(() => followed.every(({ text }) => text.includes('about')));
      await closeStreams();
      await waitFor(() => held.size === 0, {
        timeoutMs: 60_000,
        description: 'all timers to be cleared',
      });
      await app.close();
    },
    300_000,
  );

  it('keeps nothing for a browser that does not read, or has gone', async () => {
    const { app, url } = await startWithDashboard({ standalone: true });
    const { hostname, port, pathname } = new URL(url);
    const socket = await new Promise<Socket>((resolve) => {
      const opened = connect(Number(port), hostname, () => resolve(opened));
    });
    socket.on('error', () => undefined);
    socket.write(
      `GET ${pathname}/api/events HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`,
    );
    socket.pause();
    const http = app.getHttpServer() as {
      getConnections(done: (error: unknown, count: number) => void): void;
    };
    const connections = () =>
      new Promise<number>((resolve) =>
        http.getConnections((_error, count) => resolve(count)),
      );
    await waitFor(async () => (await connections()) >= 1);
    for (let run = 0; run < 200; run++) {
      app.get(Reports).plain();
    }
    socket.destroy();
    await waitFor(async () => (await connections()) === 0, {
      description: 'the connection to be given up',
    });
  });
});
