import { afterEach, expect, it } from '@jest/globals';
import type { CanActivate } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  ZookeeperLeaderDashboardModule,
  type ZookeeperLeaderDashboardOptions,
} from '../../../lib/dashboard/index.js';
import { LeaderElection } from '../../../lib/index.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import {
  closeApplications,
  rootModule,
  track,
} from '../../support/nest-application.js';
import { ODD_ERRORS } from '../../support/odd-errors.js';

afterEach(closeApplications);

async function start(
  options: ZookeeperLeaderDashboardOptions,
  adapter: ExpressAdapter | FastifyAdapter,
) {
  const app = await NestFactory.create(
    rootModule({
      options: { standalone: true },
      imports: [ZookeeperLeaderDashboardModule.forRoot(options)],
    }),
    adapter,
    { logger: new MemoryLogger(), abortOnError: false },
  );
  track(app);
  await app.listen(0, '127.0.0.1');
  return { app, url: `${await app.getUrl()}/leadership` };
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
