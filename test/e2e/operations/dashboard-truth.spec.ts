import type { IncomingHttpHeaders } from 'node:http';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import {
  Injectable,
  Module,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { TerminusModule, HealthIndicatorService } from '@nestjs/terminus';
import { Registry } from 'prom-client';
import {
  ZookeeperLeaderDashboardModule,
  type ZookeeperLeaderDashboardOptions,
} from '../../../lib/dashboard/index.js';
import { ZookeeperLeaderHealthIndicator } from '../../../lib/health/index.js';
import {
  LeaderElection,
  OnlyLeader,
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
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

let server: ZookeeperServer;
let browser: Browser;

beforeAll(async () => {
  server = await ZookeeperServer.start();
  browser = await Browser.start();
});
afterEach(async () => {
  isLoggedIn = true;
  await closeApplications();
  if (!server.running) {
    await server.restart();
  }
});
afterAll(async () => {
  await browser.close();
  await server.close();
});

@Injectable()
class Reports {
  isBroken = false;

  @OnlyLeader({ task: 'Billing.sendReport', ledger: true, scheduled: false })
  async send(): Promise<void> {
    if (this.isBroken) {
      throw new Error('connect ECONNREFUSED 10.4.12.8:5432\n    at line 12');
    }
  }

  @OnlyLeader({ task: 'Stock.refresh', scheduled: false })
  refresh(): void {
    // Done.
  }
}

let isLoggedIn = true;

/** A session that may run out. */
@Injectable()
class LoginGuard implements CanActivate {
  canActivate(): boolean {
    return isLoggedIn;
  }
}

@Injectable()
class Keys {
  readonly right = 'right';
}

@Module({ providers: [Keys], exports: [Keys] })
class KeysModule {}

/** Needs something of the application. */
@Injectable()
class KeyGuard implements CanActivate {
  constructor(private readonly keys: Keys) {}

  canActivate(context: ExecutionContext): boolean {
    const { headers } = context
      .switchToHttp()
      .getRequest<{ headers: IncomingHttpHeaders }>();
    return headers.key === this.keys.right;
  }
}

const registry = new Registry();

async function start(
  options: ZookeeperLeaderModuleOptions,
  dashboard: ZookeeperLeaderDashboardOptions = { actions: { guard: false } },
): Promise<{ app: INestApplication; url: string }> {
  registry.clear();
  const app = await NestFactory.create(
    rootModule({
      options: {
        connectionString: server.connectionString,
        sessionTimeoutMs: 2_000,
        ...options,
      },
      imports: [
        TerminusModule,
        ZookeeperLeaderDashboardModule.forRoot(dashboard),
        ZookeeperLeaderMetricsModule.forRoot({ registry }),
      ],
      providers: [Reports, ZookeeperLeaderHealthIndicator],
    }),
    {
      logger: new MemoryLogger(),
      abortOnError: false,
      forceCloseConnections: true,
    },
  );
  track(app);
  await app.listen(0, '127.0.0.1');
  if (options.enabled !== false) {
    await app.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
  }
  return { app, url: `${await app.getUrl()}/leadership` };
}

function act(url: string, action: string): Promise<Response> {
  return fetch(`${url}/api/${action}`, {
    method: 'POST',
    headers: { 'X-Leadership-Action': 'yes' },
  });
}

describe('the page', () => {
  it('says first what is wrong, with the error in the row, and links to it', async () => {
    const { app, url } = await start({ basePath: '/truth-verdict' });
    const { page, problems } = await browser.open(url);
    const verdict = page.locator('#status');
    await waitFor(
      async () =>
        (await verdict.innerText()).trim() ===
        '0 tasks failing · 0 elections without a leader · 1 instance',
    );
    expect(await verdict.getAttribute('data-state')).toBe('good');

    app.get(Reports).isBroken = true;
    for (let time = 0; time < 2; time++) {
      await app
        .get(Reports)
        .send()
        .catch(() => undefined);
    }
    await waitFor(
      async () => (await verdict.getAttribute('data-state')) === 'bad',
    );
    await waitFor(
      async () =>
        (await page
          .locator('[data-task="Billing.sendReport"] .why')
          .innerText()) ===
        'Failed 2 times of 2: connect ECONNREFUSED 10.4.12.8:5432',
    );
    expect(await page.title()).toBe('1 problem · Leadership');
    await page.click('#status a.bad');
    await waitFor(
      async () => (await page.locator('[data-task]').count()) === 1,
    );
    expect(page.url()).toContain('#show=failing');
    // A link to it shows the same, with the runs open.
    await page.click('[data-key="disclose task Billing.sendReport"]');
    const { page: other } = await browser.open(page.url());
    await other.waitForSelector('.details .error');
    expect(await other.locator('[data-task]').count()).toBe(1);
    await other.close();

    await page.click('[data-key="show all"]');
    await page.fill('#search', 'stock');
    await waitFor(
      async () =>
        (await page.locator('[data-task]').getAttribute('data-task')) ===
        'Stock.refresh',
    );
    // What is not known is not nothing.
    expect(
      await page
        .locator('[data-task="Stock.refresh"] [data-label="Last success"]')
        .innerText(),
    ).toBe('—');
    expect(problems).toEqual([]);
    await page.close();
  });

  it('shows what is old as old, as health, metrics and log do, and lets nobody act on it', async () => {
    const { app, url } = await start({ basePath: '/truth-stale' });
    const { page } = await browser.open(`${url}#open=election+default`);
    await page.waitForSelector('[data-key="hand-over default"]:enabled');
    await server.stop();
    await page.waitForSelector('[data-stale="yes"]');
    await waitFor(async () =>
      /^What you see is as of .+, \d+ s ago\./.test(
        await page.locator('#as-of').innerText(),
      ),
    );
    expect(await page.locator('#status').getAttribute('data-state')).toBe(
      'unknown',
    );
    await waitFor(async () =>
      (await page.locator('#trouble').innerText()).includes(
        'has no connection to ZooKeeper since',
      ),
    );
    await page.waitForSelector('[data-key="hand-over default"]:disabled');

    // The same is wrong for all who ask.
    await waitFor(() => app.get(LeaderElection).leadership.role !== 'leader');
    const health = async () =>
      (
        await app
          .get(ZookeeperLeaderHealthIndicator)
          .isHealthy('leader', { maxDisconnectedMs: 0 })
      ).leader as { status: string; problems?: string[] };
    const { status, problems } = await health();
    expect(status).toBe('down');
    expect(problems).toEqual([
      expect.stringMatching(/^no connection to ZooKeeper for \d+ ms$/),
    ]);
    expect(app.get(HealthIndicatorService)).toBeDefined();
    expect(await registry.metrics()).toContain(
      'nestjs_leader_connection_state{state="connected"} 0',
    );

    await server.restart();
    await page.waitForSelector('[data-stale="no"]');
    await waitFor(
      async () =>
        (await page.locator('#status').getAttribute('data-state')) === 'good',
      { timeoutMs: 20_000 },
    );
    expect(await page.locator('#trouble').innerText()).toBe('');
    expect((await health()).status).toBe('up');
    expect(await registry.metrics()).toContain('nestjs_leader_problems 0');
    await page.close();
  });

  it('tells an expired login from an instance that does not answer', async () => {
    const { app, url } = await start(
      { standalone: true, instanceId: 'here' },
      { guard: LoginGuard, actions: { guard: false } },
    );
    const { page } = await browser.open(`${url}#open=election+default`);
    await page.waitForSelector('[data-key="hand-over default"]:enabled');
    isLoggedIn = false;
    await page.click('[data-key="hand-over default"]');
    await page.click('#confirm-yes');
    await waitFor(async () =>
      (await page.locator('#notice').innerText()).startsWith(
        'Nothing was done: you are not logged in any more',
      ),
    );
    await page.reload();
    expect(await page.locator('body').innerText()).toContain('Forbidden');
    await page.close();

    isLoggedIn = true;
    const { page: other } = await browser.open(url);
    await other.waitForSelector('[data-stale="no"] [data-task]');
    isLoggedIn = false;
    app.getHttpServer().closeAllConnections();
    await waitFor(async () =>
      (await other.locator('#trouble').innerText()).startsWith(
        'You are not logged in any more',
      ),
    );
    isLoggedIn = true;
    await other.waitForSelector('[data-stale="no"]');
    await app.close();
    await waitFor(
      async () =>
        (await other.locator('#trouble').innerText()) ===
        'here, which serves this page, does not answer.',
    );
    await other.close();
  });

  it('tells who has left, and what it led', async () => {
    const basePath = '/truth-left';
    const { app: first } = await start({
      basePath,
      instanceId: 'shop-api-7f9c6d5b8-x2k9p',
    });
    const { url } = await start({
      basePath,
      instanceId: 'shop-api-7f9c6d5b8-q8mzt',
      enabled: false,
    });
    const { page } = await browser.open(url);
    await page.waitForSelector('[data-instance="shop-api-7f9c6d5b8-x2k9p"]');
    // Only the part of the name that differs, but all of it for who cannot see.
    expect(await page.locator('.leader .short').innerText()).toBe('…x2k9p');
    expect(await page.locator('.leader .name').getAttribute('title')).toBe(
      'shop-api-7f9c6d5b8-x2k9p',
    );
    const colour = `getComputedStyle(document.querySelector('[data-instance$="x2k9p"] .swatch')).backgroundColor`;
    const inThisTab = await page.evaluate(colour);
    await page.reload();
    await page.waitForSelector('[data-instance="shop-api-7f9c6d5b8-x2k9p"]');
    expect(await page.evaluate(colour)).toBe(inThisTab);

    await first.close();
    await waitFor(async () =>
      /left \d+ s ago, led default/.test(
        await page
          .locator('[data-left="shop-api-7f9c6d5b8-x2k9p"]')
          .innerText(),
      ),
    );
    expect(await page.locator('[data-election="default"]').innerText()).toMatch(
      /Nobody leads since \S+/,
    );
    await page.close();
  });
});

describe('actions', () => {
  it('are refused where another instance is meant', async () => {
    const basePath = '/truth-target';
    const { url } = await start({ basePath, instanceId: 'one' });
    for (const action of [
      'run-here?task=Stock.refresh&instance=other',
      'hand-over?election=default&instance=other',
    ]) {
      const response = await act(url, action);
      expect(response.status).toBe(409);
      expect(((await response.json()) as { message: string }).message).toMatch(
        /other.*one/,
      );
    }
    for (const action of [
      'run-here?task=Stock.refresh',
      'hand-over?election=default',
    ]) {
      expect((await act(url, action)).status).toBe(400);
    }
    const done = await act(url, 'run-here?task=Stock.refresh&instance=one');
    expect(done.status).toBe(200);
  });

  it('are refused in standalone mode, too, where another instance is meant', async () => {
    const { app, url } = await start({ standalone: true, instanceId: 'one' });
    const other = await act(url, 'hand-over?election=default&instance=two');
    expect(other.status).toBe(409);
    expect(app.get(LeaderElection).isLeader()).toBe(true);
  });
});

describe('what people do', () => {
  it('reaches the leader from any instance, is shown to all, and written down', async () => {
    const basePath = '/truth-people';
    const { app: leader } = await start({ basePath, instanceId: 'first' });
    const other = await NestFactory.create(
      rootModule({
        options: {
          connectionString: server.connectionString,
          basePath,
          instanceId: 'second',
        },
        imports: [
          ZookeeperLeaderDashboardModule.forRoot({
            actions: { guard: false, who: () => 'anna' },
          }),
        ],
        providers: [Reports],
      }),
      {
        logger: new MemoryLogger(),
        abortOnError: false,
        forceCloseConnections: true,
      },
    );
    track(other);
    await other.listen(0, '127.0.0.1');
    const url = `${await other.getUrl()}/leadership`;
    const { page, problems } = await browser.open(
      `${url}#open=task+Billing.sendReport`,
    );
    const told = async (text: string): Promise<void> => {
      await waitFor(
        async () => (await page.locator('#notice').innerText()) === text,
        { description: `the page to say ${text}` },
      );
    };
    const press = async (key: string): Promise<void> => {
      await page.click(`[data-key="${key}"]`);
      await page.click('#confirm-yes');
    };
    await press('run Billing.sendReport');
    await told('"Billing.sendReport" has run on first.');
    await waitFor(async () =>
      (await page.locator('.details').innerText()).includes('(for anna)'),
    );

    await page.click('[data-key="pause Billing.sendReport"]');
    await page.fill('#confirm-reason', 'double charges');
    await page.click('#confirm-yes');
    await told('"Billing.sendReport" is paused by anna.');
    await waitFor(async () =>
      /paused by anna since .+: double charges/.test(
        await page.locator('[data-task="Billing.sendReport"]').innerText(),
      ),
    );
    await press('run Billing.sendReport');
    await told('"Billing.sendReport" on first: skipped (paused).');
    await press('resume Billing.sendReport');
    await told('"Billing.sendReport" is resumed.');

    await press('drain first');
    await told('first leaves all elections.');
    await waitFor(() => other.get(LeaderElection).isLeader());
    expect(leader.get(LeaderElection).leadership.reason).toBe('withdrawn');
    await waitFor(async () =>
      (await page.locator('[data-instance="first"]').innerText()).includes(
        'drained by anna since',
      ),
    );
    await press('undrain first');
    await told('first takes part again.');
    await waitFor(
      () => leader.get(LeaderElection).leadership.role === 'follower',
    );

    await waitFor(async () =>
      /anna.*\s.*undrain first.*\s.*first takes part again/.test(
        await page.locator('#audit-list').innerText(),
      ),
    );
    expect(await page.locator('#audit-list tbody tr').count()).toBe(6);
    expect(problems).toEqual([]);
    await page.close();
  });
});

describe('the routes', () => {
  it('stand in no OpenAPI document', async () => {
    const { app } = await start({ standalone: true });
    const document = SwaggerModule.createDocument(
      app,
      new DocumentBuilder().build(),
    );
    expect(document.paths).toEqual({});
  });

  it.each([
    ['Express', () => new ExpressAdapter()],
    ['Fastify', () => new FastifyAdapter()],
  ])(
    'on %s come from options that are awaited, with guards that need something',
    async (_name, adapter) => {
      const app = await NestFactory.create(
        rootModule({
          options: { standalone: true, instanceId: 'here' },
          imports: [
            ZookeeperLeaderDashboardModule.forRootAsync({
              imports: [KeysModule],
              useFactory: async () => ({
                path: 'who/leads',
                guard: KeyGuard,
                actions: { guard: LoginGuard },
              }),
            }),
          ],
          providers: [Reports],
        }),
        adapter() as ExpressAdapter,
        { logger: new MemoryLogger(), abortOnError: false },
      );
      track(app);
      app.setGlobalPrefix('internal');
      await app.listen(0, '127.0.0.1');
      const url = `${await app.getUrl()}/internal/who/leads`;
      const ask = (path: string, headers: Record<string, string>) =>
        fetch(url + path, {
          headers,
          method: path.includes('run') ? 'POST' : 'GET',
        });
      expect((await ask('', {})).status).toBe(403);
      expect((await ask('', { key: 'right' })).status).toBe(200);
      const run = '/api/run-here?task=Stock.refresh&instance=here';
      const headers = { key: 'right', 'x-leadership-action': 'yes' };
      expect((await ask(run, headers)).status).toBe(200);
      isLoggedIn = false;
      expect((await ask(run, headers)).status).toBe(403);
      expect((await ask(run, { key: 'right' })).status).toBe(403);
    },
  );

  it('has no actions where awaited options have none', async () => {
    const app = await NestFactory.create(
      rootModule({
        options: { standalone: true, instanceId: 'here' },
        imports: [
          ZookeeperLeaderDashboardModule.forRootAsync({
            useFactory: () => ({}),
          }),
        ],
        providers: [Reports],
      }),
      { logger: new MemoryLogger(), abortOnError: false },
    );
    track(app);
    await app.listen(0, '127.0.0.1');
    const url = `${await app.getUrl()}/leadership`;
    expect((await fetch(url)).status).toBe(200);
    const run = await act(url, 'run-here?task=Stock.refresh&instance=here');
    expect(run.status).toBe(404);
  });

  it('refuses awaited options that are not valid', async () => {
    await expect(
      NestFactory.create(
        rootModule({
          options: { standalone: true },
          imports: [
            ZookeeperLeaderDashboardModule.forRootAsync({
              useFactory: () => ({ path: '/not a path' }),
            }),
          ],
        }),
        { logger: new MemoryLogger(), abortOnError: false },
      ),
    ).rejects.toThrow('ZookeeperLeaderDashboardModule: option path');
  });
});
