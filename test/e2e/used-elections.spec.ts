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
  type INestApplicationContext,
  type Provider,
  type Type,
} from '@nestjs/common';
import {
  LeaderElection,
  LeaderElections,
  LeaderGuard,
  OnElected,
  OnlyLeader,
  getLeaderElectionToken,
} from '../../lib/index.js';
import { MemoryLogger } from '../support/memory-logger.js';
import {
  closeApplications,
  startApplication,
} from '../support/nest-application.js';
import { waitFor } from '../support/wait-for.js';
import { ZookeeperServer } from '../support/zookeeper-server.js';

let server: ZookeeperServer;
let paths = 0;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(closeApplications);
afterAll(() => server.close());

@Injectable()
class Bills {
  @OnlyLeader({ election: 'billing', scheduled: false })
  send(): void {}
}

async function start(
  providers: Provider[],
  controllers: Type[] = [],
): Promise<INestApplicationContext> {
  paths += 1;
  const app = await startApplication({
    options: {
      connectionString: server.connectionString,
      basePath: `/used-${paths}`,
    },
    providers: [Bills, ...providers],
    controllers,
  });
  await waitFor(
    () =>
      app.get(LeaderElections).find('billing', 'the test').leadership.role ===
      'leader',
    { description: 'the election of the task to be led' },
  );
  return app;
}

describe('an instance whose tasks are all in another election', () => {
  it('does not enter the default election', async () => {
    const app = await start([]);
    const unused = app.get(LeaderElection);
    expect(app.get(LeaderElections).names).toEqual(['billing']);
    expect(unused.leadership).toMatchObject({
      role: 'idle',
      reason: 'starting',
    });
    expect(await unused.participants()).toEqual([]);
  });

  it('still sees who leads it', async () => {
    const app = await start([]);
    const seen: unknown[] = [];
    app.get(LeaderElection).leader$.subscribe((leader) => seen.push(leader));
    await waitFor(() => seen.length > 0, { description: 'an answer' });
    expect(seen).toEqual([undefined]);
  });

  it('enters it on enter()', async () => {
    const app = await start([]);
    const election = app.get(LeaderElection);
    election.enter();
    await election.waitForLeadership({ timeoutMs: 10_000 });
    expect(app.get(LeaderElections).names).toContain('default');
  });

  it('enters it when something waits for its leadership', async () => {
    const app = await start([]);
    const term = await app
      .get(LeaderElection)
      .waitForLeadership({ timeoutMs: 10_000 });
    expect(term.election).toBe('default');
  });

  it('enters it when a function is guarded by it', async () => {
    const app = await start([]);
    const election = app.get(LeaderElection);
    const guarded = election.onlyLeader(() => 'done');
    await waitFor(() => guarded() === 'done', {
      description: 'the function to run',
    });
  });

  it('ends it with the application, if nothing ever used it', async () => {
    const app = await start([]);
    const unused = app.get(LeaderElection);
    await app.close();
    expect(unused.leadership).toMatchObject({ reason: 'shutdown' });
  });
});

describe('the default election is entered for', () => {
  @Injectable()
  class Injected {
    constructor(readonly election: LeaderElection) {}
  }
  @Injectable()
  class Hooked {
    @OnElected()
    begin(): void {}
  }
  @Controller()
  class Guarded {
    @Get()
    @UseGuards(LeaderGuard)
    work(): void {}
  }

  it.each<[string, Provider[], Type[]]>([
    ['a class that has it injected', [Injected], []],
    [
      'a factory that has it injected',
      [
        {
          provide: 'FACTORY',
          inject: [getLeaderElectionToken()],
          useFactory: (election: LeaderElection) => ({ election }),
        },
      ],
      [],
    ],
    ['a hook', [Hooked], []],
    ['a guarded route', [], [Guarded]],
  ])('%s', async (_what, providers, controllers) => {
    const app = await start(providers, controllers);
    const election = app.get(LeaderElection);
    await waitFor(() => election.isLeader(), { description: 'leadership' });
  });
});

describe('the log', () => {
  it('names the leader that an instance follows', async () => {
    const logger = new MemoryLogger();
    const options = {
      connectionString: server.connectionString,
      basePath: '/log',
    };
    const leader = await startApplication({
      options: { ...options, instanceId: 'first' },
    });
    await leader.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
    for (const instanceId of ['second', 'third']) {
      await startApplication({ options: { ...options, instanceId }, logger });
      await waitFor(
        () =>
          logger
            .messages('log')
            .some((text) => text.startsWith(`${instanceId} follows`)),
        { description: `the log line of ${instanceId}` },
      );
    }
    expect(
      logger.messages('log').filter((text) => text.includes(' follows in ')),
    ).toEqual([
      expect.stringMatching(
        /^second follows in the election "default"; "first" leads since \d{4}-/,
      ),
      expect.stringMatching(
        /^third follows in the election "default"; "first" leads since \d{4}-/,
      ),
    ]);
  });
});
