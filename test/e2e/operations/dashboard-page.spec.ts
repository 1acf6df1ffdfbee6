import {
  createServer,
  request,
  type IncomingHttpHeaders,
  type Server,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  expect,
  it,
} from '@jest/globals';
import {
  Injectable,
  VersioningType,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ZookeeperLeaderDashboardModule } from '../../../lib/dashboard/index.js';
import { LeaderElection, OnlyLeader } from '../../../lib/index.js';
import { Browser } from '../../support/browser.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import {
  closeApplications,
  rootModule,
  track,
} from '../../support/nest-application.js';
import { waitFor } from '../../support/wait-for.js';

let browser: Browser;
const servers = new Set<Server>();

beforeAll(async () => {
  browser = await Browser.start();
});
beforeEach(() => {
  runs = 0;
  busy = 0;
});
afterEach(async () => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  servers.clear();
  await closeApplications();
});
afterAll(() => browser.close());

let runs = 0;
let busy = 0;

@Injectable()
class Reports {
  @OnlyLeader({ task: 'report', scheduled: false })
  send(): void {
    runs += 1;
  }

  @OnlyLeader({ task: 'busy', scheduled: false })
  work(): void {
    busy += 1;
  }
}

/** An operator is who has logged in, which a cookie remembers. */
@Injectable()
class CookieGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context
      .switchToHttp()
      .getRequest<{ headers: IncomingHttpHeaders }>();
    return headers.cookie?.includes('operator=yes') === true;
  }
}

async function startDashboard(
  adapter: ExpressAdapter | FastifyAdapter,
  prepare: (app: INestApplication) => void = () => undefined,
): Promise<{ app: INestApplication; origin: string }> {
  const app = await NestFactory.create(
    rootModule({
      options: { standalone: true, instanceId: 'here' },
      imports: [
        ZookeeperLeaderDashboardModule.forRoot({
          actions: { guard: CookieGuard },
        }),
      ],
      providers: [Reports],
    }),
    adapter,
    {
      logger: new MemoryLogger(),
      abortOnError: false,
      // A browser opens connections that it may need, and a server waits for them.
      forceCloseConnections: true,
    },
  );
  prepare(app);
  track(app);
  await app.listen(0, '127.0.0.1');
  await app.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
  return { app, origin: await app.getUrl() };
}

async function listen(server: Server): Promise<string> {
  servers.add(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A reverse proxy that serves `origin` below a path of its own. */
function startProxy(origin: string, below: string): Promise<string> {
  return listen(
    createServer((incoming, outgoing) => {
      const { method, headers, url = '' } = incoming;
      if (!url.startsWith(`${below}/`)) {
        outgoing.writeHead(404).end();
        return;
      }
      const forwarded = request(
        new URL(url.slice(below.length), origin),
        { method, headers },
        (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(outgoing);
        },
      );
      forwarded.on('error', () => outgoing.destroy());
      outgoing.on('close', () => forwarded.destroy());
      incoming.pipe(forwarded);
    }),
  );
}

it.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])(
  'on %s the page works below a global prefix, with versions, behind a proxy, and beside another policy',
  async (_name, adapter) => {
    const { origin } = await startDashboard(adapter(), (app) => {
      app.setGlobalPrefix('internal/api');
      app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
      app.use(
        (
          _request: unknown,
          response: { setHeader(name: string, value: string): void },
          next: () => void,
        ) => {
          // Much as helmet does.
          response.setHeader(
            'Content-Security-Policy',
            "default-src 'self'; script-src 'self'; style-src 'self'; upgrade-insecure-requests",
          );
          next();
        },
      );
    });
    const proxy = await startProxy(origin, '/team/ops');
    const { page, problems, foreignRequests } = await browser.open(
      `${proxy}/team/ops/internal/api/leadership`,
    );
    await page.evaluate(`document.cookie = 'operator=yes; path=/'`);
    await waitFor(
      async () => (await page.locator('.leader').innerText()) === 'here',
    );
    const json = await page.getAttribute('#json', 'href');
    expect((await fetch(new URL(json as string, proxy))).status).toBe(200);
    await page.click('[data-key="disclose task report"]');
    await page.click('[data-key="run-here report"]');
    await page.click('#confirm-yes');
    await waitFor(
      async () =>
        (await page.locator('#notice').innerText()) ===
        '"report" has run on here.',
    );
    expect(runs).toBe(1);
    expect(problems).toEqual([]);
    expect(foreignRequests).toEqual([]);
    await page.close();
  },
);

it('a page of another origin acts neither with the cookies of an operator, nor where the application allows its origin', async () => {
  const { origin } = await startDashboard(new ExpressAdapter(), (app) =>
    app.enableCors({ origin: true, credentials: true }),
  );
  const action = `${origin}/leadership/api/run-here?task=report&instance=here`;
  const own = await browser.open(`${origin}/leadership`);
  await own.page.evaluate(`document.cookie = 'operator=yes; path=/'`);
  // On the same host: it gets the cookies even if they are for the same site only.
  const cookies: (string | undefined)[] = [];
  const foreign = await listen(
    createServer(({ headers }, response) => {
      cookies.push(headers.cookie);
      response
        .writeHead(200, { 'Content-Type': 'text/html' })
        .end(`<form method="post" action="${action}"></form>`);
    }),
  );
  const { page } = await browser.open(foreign);
  expect(cookies[0]).toContain('operator=yes');
  /** What the foreign page is answered; 0 where it may not know. */
  const post = (options: string): Promise<number> =>
    page.evaluate<number>(
      `fetch(${JSON.stringify(action)}, { method: 'POST', credentials: 'include', ${options} })
        .then(({ status }) => status)`,
    );
  expect(await post(`mode: 'no-cors'`)).toBe(0);
  expect(await post(`headers: { 'X-Leadership-Action': 'yes' }`)).toBe(403);
  await Promise.all([
    page.waitForURL(action),
    page.evaluate(`document.querySelector('form').submit()`),
  ]);
  expect(await page.locator('body').innerText()).toContain('Forbidden');
  expect(runs).toBe(0);
  await page.close();

  await own.page.click('[data-key="disclose task report"]');
  await own.page.click('[data-key="run-here report"]');
  await own.page.click('#confirm-yes');
  await waitFor(() => runs === 1);
  await own.page.close();
});

it('what changes takes neither a pressed button nor a place in the table away', async () => {
  const { app, origin } = await startDashboard(new ExpressAdapter());
  const { page, problems } = await browser.open(`${origin}/leadership`, {
    viewport: { width: 375, height: 812 },
  });
  await page.evaluate(`document.cookie = 'operator=yes; path=/'`);
  const shown = async (text: string): Promise<void> => {
    await waitFor(
      async () =>
        (await page.locator('[data-task="busy"] .runs').innerText()).includes(
          text,
        ),
      { description: `the page to show ${text}` },
    );
  };
  app.get(Reports).work();
  await shown('finished');
  await page.click('[data-key="disclose task busy"]');
  const table = page.locator('.details .scroll');
  await table.evaluate((node) => {
    node.scrollLeft = 60;
  });
  await page.locator('[data-key="run-here busy"]').hover();
  await page.mouse.down();
  const before = await page.locator('[data-task="busy"] .runs li').count();
  app.get(Reports).work();
  await waitFor(
    async () =>
      (await page.locator('[data-task="busy"] .runs li').count()) > before,
  );
  await page.mouse.up();
  await page.waitForSelector('dialog[open]');
  await page.keyboard.press('Escape');
  expect(await table.evaluate((node) => node.scrollLeft)).toBe(60);
  expect(busy).toBe(2);
  expect(problems).toEqual([]);
  await page.close();
});
