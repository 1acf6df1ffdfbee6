import { afterEach, expect, it } from '@jest/globals';
import type { CanActivate, Provider } from '@nestjs/common';
import type { Server } from 'node:http';
import { promisify } from 'node:util';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  ZookeeperLeaderDashboardModule,
  type ZookeeperLeaderDashboardOptions,
} from '../../../lib/dashboard/index.js';
import { LeaderElection, OnlyLeader } from '../../../lib/index.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import {
  closeApplications,
  rootModule,
  track,
} from '../../support/nest-application.js';
import { ODD_ERRORS } from '../../support/odd-errors.js';
import { waitFor } from '../../support/wait-for.js';

afterEach(closeApplications);

async function start(
  options: ZookeeperLeaderDashboardOptions,
  adapter: ExpressAdapter | FastifyAdapter,
  providers: Provider[] = [],
) {
  const logger = new MemoryLogger();
  const app = await NestFactory.create(
    rootModule({
      options: { standalone: true },
      imports: [ZookeeperLeaderDashboardModule.forRoot(options)],
      providers,
    }),
    adapter,
    { logger, abortOnError: false },
  );
  track(app);
  await app.listen(0, '127.0.0.1');
  return { app, logger, url: `${await app.getUrl()}/leadership` };
}

const ADAPTERS: readonly [
  name: string,
  make: () => ExpressAdapter | FastifyAdapter,
][] = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
];
const cases = ADAPTERS.flatMap(([adapter, make]) =>
  ODD_ERRORS.map(([what, thrown]) => [what, adapter, thrown, make] as const),
);

// An unhandled rejection fails a test of Jest by itself.
it.each(cases)(
  'a guard of the dashboard that throws %s refuses (%s), and harms nobody',
  async (_what, _adapter, thrown, make) => {
    let throws = true;
    const odd: CanActivate = {
      canActivate: async () => {
        if (throws) {
          throw thrown;
        }
        return true;
      },
    };
    const { app, url } = await start(
      {
        guard: odd,
        actions: {
          guard: odd,
          who: () => {
            throw thrown;
          },
        },
      },
      make(),
    );
    const signal = AbortSignal.timeout(20_000);
    for (const path of ['', '/api/state', '/api/events']) {
      const response = await fetch(`${url}${path}`, { signal });
      expect([path, response.status]).toEqual([path, 500]);
    }
    const act = async (): Promise<number> => {
      const action = '/api/hand-over?election=default';
      const headers = { 'x-leadership-action': 'yes' };
      const response = await fetch(url + action, {
        method: 'POST',
        headers,
        signal,
      });
      return response.status;
    };
    expect(await act()).toBe(500);
    // It is the option `who` that throws now.
    throws = false;
    expect(await act()).toBe(500);
    expect((await fetch(`${url}/api/state`, { signal })).status).toBe(200);
    expect(app.get(LeaderElection).isLeader()).toBe(true);
  },
);

it.each(ADAPTERS)(
  'an action whose sender has gone while a guard was asked is not done (%s)',
  async (_adapter, make) => {
    let runs = 0;
    class Jobs {
      @OnlyLeader({ task: 'job', scheduled: false })
      work(): void {
        runs += 1;
      }
    }
    const asked: (() => void)[] = [];
    let isSlow = true;
    const slow: CanActivate = {
      canActivate: () =>
        !isSlow ||
        new Promise<boolean>((resolve) => asked.push(() => resolve(true))),
    };
    const { app, logger, url } = await start(
      { actions: { guard: slow } },
      make(),
      [Jobs],
    );
    const { instanceId } = app.get(LeaderElection);
    const act = (signal: AbortSignal): Promise<Response> =>
      fetch(`${url}/api/run-here?task=job&instance=${instanceId}`, {
        method: 'POST',
        headers: { 'x-leadership-action': 'yes' },
        signal,
      });
    const server = app.getHttpServer() as Server;
    const connections = (): Promise<number> =>
      promisify(server.getConnections.bind(server))();

    const leaving = new AbortController();
    const left = Array.from({ length: 200 }, () => act(leaving.signal));
    await waitFor(() => asked.length === left.length);
    leaving.abort();
    await Promise.allSettled(left);
    await waitFor(async () => (await connections()) === 0);
    asked.forEach((answer) => answer());

    // Who has stayed is answered, after all of those.
    isSlow = false;
    const stayed = await act(AbortSignal.timeout(20_000));
    expect(stayed.status).toBe(200);
    expect(runs).toBe(1);
    const told = logger
      .messages('warn')
      .filter((line) => line.startsWith('Not done: run-here "job"'));
    expect(told).toHaveLength(left.length);
  },
);
