import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Controller, Get } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  HealthCheck,
  HealthCheckService,
  HealthIndicatorService,
  TerminusModule,
} from '@nestjs/terminus';
import { BehaviorSubject, NEVER } from 'rxjs';
import { Companions } from '../../../lib/election/companions.js';
import type { LeaderElections } from '../../../lib/election/leader-elections.js';
import {
  ZookeeperLeaderHealthIndicator,
  type ZookeeperLeaderHealth,
  type ZookeeperLeaderHealthOptions,
} from '../../../lib/health/index.js';
import {
  LeaderElection,
  type ZookeeperLeaderModuleOptions,
} from '../../../lib/index.js';
import type { Connection } from '../../../lib/zookeeper/zookeeper-client.interface.js';
import { ZookeeperError } from '../../../lib/index.js';
import type { Partitions } from '../../../lib/index.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import {
  closeApplications,
  rootModule,
  track,
} from '../../support/nest-application.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

let server: ZookeeperServer;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(closeApplications);
afterAll(() => server.close());

let checkOptions: ZookeeperLeaderHealthOptions = {};

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly leader: ZookeeperLeaderHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([
      () => this.leader.isHealthy('leader', checkOptions),
    ]);
  }
}

async function startWithHealth(
  options: ZookeeperLeaderModuleOptions,
): Promise<INestApplication> {
  const app = await NestFactory.create(
    rootModule({
      options: { connectionString: server.connectionString, ...options },
      imports: [TerminusModule],
      controllers: [HealthController],
      providers: [ZookeeperLeaderHealthIndicator],
    }),
    { logger: new MemoryLogger(), abortOnError: false },
  );
  track(app);
  await app.listen(0, '127.0.0.1');
  return app;
}

async function ask(app: INestApplication): Promise<{
  httpStatus: number;
  leader: ZookeeperLeaderHealth & { status: string };
}> {
  const response = await fetch(`${await app.getUrl()}/health`);
  const { details } = (await response.json()) as {
    details: { leader: ZookeeperLeaderHealth & { status: string } };
  };
  return { httpStatus: response.status, leader: details.leader };
}

describe('the health of an instance', () => {
  it('is up for a leader and for a follower, and names the leader and its term', async () => {
    const basePath = '/health-up';
    const first = await startWithHealth({ basePath, instanceId: 'first' });
    const { fencingToken } = await first
      .get(LeaderElection)
      .waitForLeadership({ timeoutMs: 10_000 });
    const second = await startWithHealth({ basePath, instanceId: 'second' });
    await waitFor(() => second.get(LeaderElection).leadership.role !== 'idle');

    const ofLeader = await waitFor(async () => {
      const health = await ask(first);
      return health.leader.elections.default?.leaderSince ? health : undefined;
    });
    expect(ofLeader).toMatchObject({
      httpStatus: 200,
      leader: {
        status: 'up',
        state: 'connected',
        instanceId: 'first',
        elections: {
          default: { role: 'leader', leader: 'first', fencingToken },
        },
      },
    });
    const { lastContact, leaseRemainingMs } = ofLeader.leader;
    expect(Date.now() - Date.parse(lastContact as string)).toBeLessThan(10_000);
    expect(leaseRemainingMs).toBeGreaterThan(0);
    expect((await ask(second)).leader).toMatchObject({
      status: 'up',
      elections: {
        default: { role: 'follower', leader: 'first', fencingToken },
      },
    });
  });

  it('is down for a leader whose lease has run out, until it is renewed', async () => {
    const app = await startWithHealth({
      basePath: '/health-lease',
      sessionTimeoutMs: 3_000,
    });
    await app.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
    const indicator = app.get(ZookeeperLeaderHealthIndicator);
    const until = performance.now() + 2_300;
    while (performance.now() < until) {
      // The event loop is blocked, and sends no heartbeat.
    }
    expect(await indicator.isHealthy('leader')).toMatchObject({
      leader: {
        status: 'down',
        problems: ['the lease of the leadership of "default" has run out'],
      },
    });
    await waitFor(async () => (await ask(app)).leader.status === 'up');
  });

  it('is down when there has been no connection for longer than the bound', async () => {
    const own = await ZookeeperServer.start();
    try {
      const app = await startWithHealth({
        connectionString: own.connectionString,
        sessionTimeoutMs: 1_000,
      });
      await app.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
      await own.stop();
      await waitFor(async () => (await ask(app)).leader.state === 'lost');
      expect((await ask(app)).httpStatus).toBe(200);

      checkOptions = { maxDisconnectedMs: 500 };
      await waitFor(async () => (await ask(app)).httpStatus === 503);
      expect((await ask(app)).leader).toMatchObject({
        status: 'down',
        elections: { default: { role: 'idle', reason: 'session-lost' } },
        problems: [expect.stringMatching(/^no connection .* for \d+ ms$/)],
      });
      await own.start();
      await waitFor(async () => (await ask(app)).httpStatus === 200);
    } finally {
      checkOptions = {};
      await own.close();
    }
  });

  it.each([
    ['refuses the credentials', 'AUTH_FAILED'],
    ['cannot be trusted', 'TLS_FAILED'],
  ] as const)('is down at once when ZooKeeper %s', async (_, code) => {
    // A real server accepts any digest: what the client says is made up here.
    const connection$ = new BehaviorSubject<Connection>({
      state: 'lost',
      epoch: 0,
      problem: new ZookeeperError(code, 'somebody has to mend it'),
    });
    const elections = {
      instanceId: 'a',
      all: [],
      session: {
        client: { connection$ },
        lease: { lastContact: undefined, remainingMs: () => 0 },
      },
      companions: new Companions(),
      problems: new Map([['default', 'no permission']]),
      warnings: new Map(),
      follow: () => NEVER,
    } as unknown as LeaderElections;
    const app = await NestFactory.createApplicationContext(TerminusModule, {
      logger: false,
    });
    track(app);
    const indicator = new ZookeeperLeaderHealthIndicator(
      elections,
      app.get(HealthIndicatorService),
      { all: [] } as unknown as Partitions,
    );
    expect(await indicator.isHealthy('leader')).toMatchObject({
      leader: {
        status: 'down',
        problems: [
          'somebody has to mend it',
          'this instance cannot take part in the election "default": no permission',
        ],
      },
    });
  });

  it('is up without ZooKeeper', async () => {
    const app = await startWithHealth({ standalone: true });
    expect((await ask(app)).leader).toMatchObject({
      status: 'up',
      state: 'standalone',
      elections: { default: { role: 'leader' } },
    });
  });
});
