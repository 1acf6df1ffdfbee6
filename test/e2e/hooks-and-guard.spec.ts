import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  UseGuards,
  type INestApplication,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  LeaderElection,
  LeaderGuard,
  OnDeposed,
  OnElected,
  type LeadershipReason,
  type LeadershipTerm,
} from '../../lib/index.js';
import { MemoryLogger } from '../support/memory-logger.js';
import {
  closeApplications,
  rootModule,
  startApplication,
  track,
} from '../support/nest-application.js';
import { waitFor } from '../support/wait-for.js';
import { ZookeeperServer } from '../support/zookeeper-server.js';

let server: ZookeeperServer;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(closeApplications);
afterAll(() => server.close());

describe('@OnElected() and @OnDeposed()', () => {
  @Injectable()
  class Hooked {
    readonly calls: string[] = [];
    release: () => void = () => undefined;

    @OnElected()
    elected(term: LeadershipTerm): void {
      this.calls.push(`elected ${term.election}`);
    }

    @OnElected()
    throwing(): never {
      throw new Error('a hook of no use');
    }

    @OnDeposed()
    async deposed(
      _term: LeadershipTerm,
      reason: LeadershipReason,
    ): Promise<void> {
      this.calls.push(`deposed ${reason}`);
      await new Promise<void>((resolve) => {
        this.release = resolve;
      });
      this.calls.push('deposed, at last');
    }
  }

  it('are called with the term; one that throws is logged and harms nobody', async () => {
    const logger = new MemoryLogger();
    const app = await startApplication({
      options: {
        connectionString: server.connectionString,
        basePath: '/hooks',
      },
      providers: [Hooked],
      logger,
    });
    const hooked = app.get(Hooked);
    const election = app.get(LeaderElection);
    await election.waitForLeadership({ timeoutMs: 10_000 });
    expect(hooked.calls).toEqual(['elected default']);
    await waitFor(() => logger.messages('error').length > 0, {
      description: 'the error',
    });
    expect(logger.messages('error')).toEqual([
      expect.stringContaining('Hooked.throwing()'),
    ]);

    await waitFor(
      async () => (await election.participants())[0]?.leaderSince !== undefined,
      { description: 'the leader to have said that it leads' },
    );

    const resigned = election.resign();
    expect(election.isLeader()).toBe(false);
    expect(hooked.calls).toEqual(['elected default', 'deposed resigned']);
    // The next one leads when the hook has ended, and not before.
    expect((await election.participants())[0]?.leaderSince).toBeDefined();
    hooked.release();
    await resigned;
    await election.waitForLeadership({ timeoutMs: 10_000 });
    expect(hooked.calls).toEqual([
      'elected default',
      'deposed resigned',
      'deposed, at last',
      'elected default',
    ]);
    const closed = app.close();
    await waitFor(() => hooked.calls.at(-1) === 'deposed shutdown', {
      description: 'the last call',
    });
    hooked.release();
    await closed;
  });
});

describe('a hook that never ends', () => {
  @Injectable()
  class Stuck {
    @OnDeposed()
    close(): Promise<void> {
      return new Promise(() => undefined);
    }
  }

  it('is named, and waited for once', async () => {
    const logger = new MemoryLogger();
    const app = await startApplication({
      options: {
        connectionString: server.connectionString,
        basePath: '/stuck-hook',
        drainTimeoutMs: 300,
      },
      providers: [Stuck],
      logger,
    });
    const election = app.get(LeaderElection);
    const waits = (): string[] =>
      logger.messages('warn').filter((text) => /has not ended/.test(text));
    await election.waitForLeadership({ timeoutMs: 10_000 });
    await election.resign();
    expect(waits()).toEqual([
      expect.stringMatching(
        /^Stuck\.close\(\) has not ended within 300 ms \(drainTimeoutMs\)\. The election/,
      ),
    ]);
    await election.waitForLeadership({ timeoutMs: 10_000 });
    // A call of its own, which is waited for and given up like the first.
    await election.resign();
    expect(waits()).toHaveLength(2);
  });
});

describe('LeaderGuard', () => {
  @Controller()
  class Work {
    @Get('default')
    @UseGuards(LeaderGuard)
    byDefault(): string {
      return 'done';
    }

    @Get('billing')
    @UseGuards(LeaderGuard.for('billing'))
    billing(): string {
      return 'billed';
    }
  }

  async function listen(
    instanceId: string,
    basePath: string,
    adapter: 'express' | 'fastify',
  ): Promise<INestApplication> {
    const app = track(
      await NestFactory.create(
        rootModule({
          options: {
            connectionString: server.connectionString,
            basePath,
            instanceId,
          },
          controllers: [Work],
        }),
        adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter(),
        { logger: new MemoryLogger(), abortOnError: false },
      ),
    );
    await app.listen(0, '127.0.0.1');
    return app;
  }

  it.each(['express', 'fastify'] as const)(
    'serves on the leader and names it elsewhere, with %s',
    async (adapter) => {
      const basePath = `/guard-${adapter}`;
      const first = await listen('first', basePath, adapter);
      await first.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
      await waitFor(
        async () =>
          (await fetch(`${await first.getUrl()}/billing`)).status === 200,
        {
          description: 'the named election to be led',
        },
      );
      const second = await listen('second', basePath, adapter);
      await waitFor(
        () => second.get(LeaderElection).leadership.role === 'follower',
        {
          description: 'the second to follow',
        },
      );
      expect(
        await (await fetch(`${await first.getUrl()}/default`)).text(),
      ).toBe('done');
      for (const [route, election] of [
        ['default', 'default'],
        ['billing', 'billing'],
      ]) {
        const refused = await fetch(`${await second.getUrl()}/${route}`);
        expect(refused.status).toBe(503);
        expect(await refused.json()).toMatchObject({
          statusCode: 503,
          election,
          leader: { instanceId: 'first', host: expect.any(String) },
        });
      }
      await first.close();
      await waitFor(
        async () =>
          (await fetch(`${await second.getUrl()}/default`)).status === 200,
        {
          description: 'the second to serve',
        },
      );
    },
  );
});
