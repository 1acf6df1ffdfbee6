import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import { Registry } from 'prom-client';
import { ZookeeperLeaderDashboardModule } from '../../../lib/dashboard/index.js';
import type { LeaderSession } from '../../../lib/session/leader-session.js';
import { LeaderElection, LeaderElections } from '../../../lib/index.js';
import { ZookeeperLeaderMetricsModule } from '../../../lib/metrics/index.js';
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

const BASE_PATH = '/load';
const TASKS = 150;
const BROWSERS = 30;
/** As lib/cluster has it, and docs/operations.md. */
const [READS_AT_ONCE, READS_PER_SECOND] = [200, 100];

let server: ZookeeperServer;
/** Between ZooKeeper and the instance that is looked at. */
let proxy: TcpProxy;
let url: string;
const registry = new Registry();
const browsers = new AbortController();

beforeAll(async () => {
  server = await ZookeeperServer.start();
  proxy = await TcpProxy.start({ targetPort: server.port });
});
afterAll(async () => {
  browsers.abort();
  await closeApplications();
  proxy.close();
  await server.close();
});

/** Another instance, by whose session the test writes. */
async function startWriter(): Promise<LeaderSession> {
  const writer = await startApplication({
    options: {
      connectionString: server.connectionString,
      basePath: BASE_PATH,
    },
  });
  await writer.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
  return writer.get(LeaderElections).session as LeaderSession;
}

async function startLookedAt(): Promise<void> {
  const app = await NestFactory.create(
    rootModule({
      options: {
        connectionString: proxy.connectionString,
        basePath: BASE_PATH,
        enabled: false,
      },
      imports: [
        ZookeeperLeaderDashboardModule.forRoot(),
        ZookeeperLeaderMetricsModule.forRoot({ registry }),
      ],
    }),
    { logger: new MemoryLogger(), abortOnError: false },
  );
  track(app);
  await app.listen(0, '127.0.0.1');
  url = `${await app.getUrl()}/leadership/api`;
}

/** Opens a stream, and reads it until the test is over. */
async function openBrowser(): Promise<void> {
  const { body } = await fetch(`${url}/events`, { signal: browsers.signal });
  body?.pipeTo(new WritableStream()).catch(() => undefined);
}

it('however much changes, and however many look, the number of reads per second is bounded', async () => {
  const { client, paths } = await startWriter();
  await client.create(paths.tasks, '', 'persistent');
  const tasks = Array.from({ length: TASKS }, (_, task) =>
    paths.task(`task-${task}`),
  );
  await Promise.all(tasks.map((task) => client.create(task, '', 'persistent')));
  await startLookedAt();
  await fetch(`${url}/state`);

  let writes = 0;
  const readsDuring = async (
    durationMs: number,
    work: () => Promise<unknown>,
  ): Promise<{ reads: number; most: number }> => {
    const before = proxy.requests().length;
    const beganAtMs = performance.now();
    while (performance.now() - beganAtMs < durationMs) {
      await work();
    }
    const tookSeconds = (performance.now() - beganAtMs) / 1000;
    return {
      reads: proxy.requests().length - before,
      most: READS_AT_ONCE + READS_PER_SECOND * (tookSeconds + 0.1),
    };
  };
  const writeAll = async (): Promise<void> => {
    writes += TASKS;
    await Promise.all(tasks.map((task) => client.set(task, `${writes}`)));
  };

  // Once it has been started; a scrape that read anything would go on for ever.
  await waitFor(
    async () => (await readsDuring(300, () => registry.metrics())).reads === 0,
    { description: 'scrapes to cost nothing' },
  );
  const ofNobody = await readsDuring(500, writeAll);
  expect(ofNobody.reads).toBe(0);

  await Promise.all(Array.from({ length: BROWSERS }, openBrowser));
  const before = writes;
  const ofBrowsers = await readsDuring(3_000, writeAll);
  // What has been written is far more than may be read.
  expect(writes - before).toBeGreaterThan(2 * ofBrowsers.most);
  expect(ofBrowsers.reads).toBeGreaterThan(READS_PER_SECOND);
  expect(ofBrowsers.reads).toBeLessThanOrEqual(ofBrowsers.most);

  // And soon nothing is left to be read, however often somebody asks.
  await waitFor(async () => {
    const { reads } = await readsDuring(300, () =>
      fetch(`${url}/state`).then((response) => response.text()),
    );
    return reads === 0;
  });
});
