import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Scope } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { freePort } from '../../scripts/zookeeper/free-port.mjs';
import {
  InjectLeaderElection,
  getLeaderElectionToken,
  LeaderElection,
  LeaderElections,
  OnlyLeader,
  ZookeeperLeaderModule,
  type ZookeeperLeaderModuleOptions,
} from '../../lib/index.js';
import { MemoryLogger } from '../support/memory-logger.js';
import {
  closeApplications,
  startApplication,
  track,
} from '../support/nest-application.js';
import { descendants } from '../support/process-table.js';
import { waitFor } from '../support/wait-for.js';
import { ZookeeperServer } from '../support/zookeeper-server.js';

const servers: ZookeeperServer[] = [];

async function startServer(
  options: Parameters<typeof ZookeeperServer.start>[0] = {},
): Promise<ZookeeperServer> {
  const server = await ZookeeperServer.start(options);
  servers.push(server);
  return server;
}

afterEach(async () => {
  await closeApplications();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

describe('a wrong option fails at start and says what to do', () => {
  it.each<[string, ZookeeperLeaderModuleOptions, RegExp]>([
    [
      'an empty connection string',
      { connectionString: ' ' },
      /connectionString ' ' is empty/,
    ],
    [
      'a connection string that is null',
      { connectionString: null as never },
      /connectionString null is empty or not a string/,
    ],
    [
      'a connection string without a host',
      { connectionString: ':2181' },
      /option connectionString ":2181" is not a ZooKeeper connection string: ":2181" is not a server.*Expected "host:port"/,
    ],
    [
      'an invalid port',
      { connectionString: 'zk:99999' },
      /"99999" is not a port/,
    ],
    [
      'a server that is empty',
      { connectionString: 'zk1:2181,,zk2' },
      /a server is empty/,
    ],
    [
      'a relative path in the connection string',
      { connectionString: 'zk:1/a/../b' },
      /relative segment/,
    ],
    [
      'a relative base path',
      { basePath: 'leaders' },
      /basePath 'leaders' is not absolute.*Expected/,
    ],
    ['the root as base path', { basePath: '/' }, /basePath '\/' is the root/],
    [
      'a session timeout of 0',
      { sessionTimeoutMs: 0 },
      /sessionTimeoutMs 0 is out of range.*from 100/,
    ],
    [
      'a session timeout that is no number',
      { sessionTimeoutMs: NaN },
      /sessionTimeoutMs NaN/,
    ],
    ['an empty instance id', { instanceId: '' }, /instanceId ''/],
    [
      'an unknown policy',
      { connectionLossPolicy: 'hope' as 'step-down' },
      /connectionLossPolicy 'hope'.*'hold-lease' or 'step-down'/,
    ],
    [
      'a duplicate election',
      { elections: ['a', 'a'] },
      /elections .* names "a" twice/,
    ],
    ['a negative drain timeout', { drainTimeoutMs: -1 }, /drainTimeoutMs -1/],
    [
      'a misspelt option',
      { credentails: {} } as ZookeeperLeaderModuleOptions,
      /no option credentails\. Did you mean credentials\?/,
    ],
    [
      'a URL as connection string',
      { connectionString: 'zookeeper://zk1:2181/app' },
      /it is a URL.*without "zookeeper:\/\/"/,
    ],
    [
      'elections that are not a list',
      { elections: 'billing' as never },
      /elections 'billing' is not a list/,
    ],
    [
      'a flag that is a text',
      { standalone: 'false' as never },
      /standalone 'false' is not a boolean/,
    ],
    [
      'a priority that is not a number',
      { priority: Number(undefined) },
      /priority NaN is not a finite number.*Number\(process\.env\.BUILD_NUMBER\)/,
    ],
    [
      'a priority that is a text',
      { priority: '12' as never },
      /priority '12' is not a finite number/,
    ],
    [
      'balance that is no flag',
      { balance: 'yes' as never },
      /balance 'yes' is not a boolean/,
    ],
    [
      'unknown owners of partitions',
      { partitionOwners: 'newest' as never },
      /partitionOwners 'newest' is unknown. Expected 'all' or 'highest-priority'/,
    ],
    [
      'the options of forRootAsync()',
      { useFactory: () => ({}) } as ZookeeperLeaderModuleOptions,
      /there is forRootAsync\(\)/,
    ],
    [
      'the address in place of the options',
      'zk1:2181' as ZookeeperLeaderModuleOptions,
      /the options are a string\. Expected an object/,
    ],
  ])('%s', async (_what, options, message) => {
    await expect(startApplication({ options })).rejects.toThrow(message);
  });

  it('credentials, whose value is not shown', async () => {
    const credentials = { username: 'a:b', password: 'secret' };
    const failure = startApplication({ options: { credentials } });
    await expect(failure).rejects.toThrow(/credentials need a username/);
    await expect(failure).rejects.not.toThrow(/secret/);
  });

  it.each([
    [
      'misspelt credentials, whose value is not shown',
      { username: 'app', pasword: 'secret' },
      /no option credentials\.pasword\. Did you mean credentials\.password\?/,
    ],
    [
      'credentials as one text, which is not shown',
      'app:secret',
      /option credentials is a string\. Expected an object/,
    ],
  ])('%s', async (_what, credentials, message) => {
    const failure = startApplication({
      options: { credentials: credentials as never },
    });
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.not.toThrow(/secret/);
  });

  it('the module without forRoot()', async () => {
    const failure = NestFactory.createApplicationContext(
      { module: class Root {}, imports: [ZookeeperLeaderModule] },
      { logger: new MemoryLogger(), abortOnError: false },
    );
    await expect(failure).rejects.toThrow(
      /imported without options\. Write imports: \[ZookeeperLeaderModule\.forRoot\(\)\]/,
    );
  });

  it('the module imported twice', async () => {
    await expect(
      startApplication({ imports: [ZookeeperLeaderModule.forRoot({})] }),
    ).rejects.toThrow(/imported more than once/);
  });

  it('an election that is not among the known ones', async () => {
    class Bills {
      @OnlyLeader('biling')
      send(): void {}
    }
    await expect(
      startApplication({
        options: { elections: ['billing'] },
        providers: [Bills],
      }),
    ).rejects.toThrow(/Bills\.send\(\).*"biling".*"default", "billing"/s);
  });

  it('a task on a request-scoped provider', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      @OnlyLeader()
      job(): void {}
    }
    await expect(startApplication({ providers: [PerRequest] })).rejects.toThrow(
      /PerRequest\.job\(\).*request-scoped.*default scope/s,
    );
  });
});

describe('the session timeout', () => {
  it('that the server grants is told', async () => {
    const { connectionString } = await startServer({
      maxSessionTimeoutMs: 3_000,
    });
    const logger = new MemoryLogger();
    await startApplication({ options: { connectionString }, logger });
    await waitFor(
      () =>
        logger
          .messages('warn')
          .some((text) =>
            /granted .* 3000 ms instead of the 10000 ms/.test(text),
          ),
      { description: 'the warning' },
    );
  });
});

describe('without ZooKeeper', () => {
  it('the application starts, does not lead, and leads when a server comes', async () => {
    const port = await freePort();
    const logger = new MemoryLogger();
    const app = await startApplication({
      options: { connectionString: `127.0.0.1:${port}` },
      logger,
    });
    const election = app.get(LeaderElection);
    const changes: string[] = [];
    election.leadership$.subscribe(({ role }) => changes.push(role));
    await waitFor(
      () =>
        logger
          .messages('warn')
          .some((text) => /cannot be reached \(127\S+ refused/.test(text)),
      { description: 'the log to say that nobody answers' },
    );
    expect(election.isLeader()).toBe(false);
    await expect(election.participants()).rejects.toMatchObject({
      code: 'CONNECTION_LOSS',
    });
    await startServer({ port });
    await election.waitForLeadership({ timeoutMs: 20_000 });
    expect(changes).toEqual(['idle', 'leader']);
    expect(logger.messages('warn')).toHaveLength(1);
  });

  it('an unknown host is told once, and closing does not hang', async () => {
    const logger = new MemoryLogger();
    const app = await startApplication({
      options: { connectionString: 'no-such-host.invalid:2181' },
      logger,
    });
    await waitFor(
      () =>
        logger
          .messages('warn')
          .some((text) =>
            /cannot be reached.*no-such-host\.invalid/.test(text),
          ),
      { description: 'the log to name the host' },
    );
    await app.close();
    expect(app.get(LeaderElection).leadership).toMatchObject({
      role: 'idle',
      reason: 'shutdown',
    });
    expect(logger.messages('warn')).toHaveLength(1);
  });

  it('standalone: true leads at once and needs no guardian', async () => {
    const before = descendants(process.pid).length;
    const app = await startApplication({ options: { standalone: true } });
    const election = app.get(LeaderElection);
    expect(election.isLeader()).toBe(true);
    const { fencingToken } = await election.waitForLeadership();
    await election.resign();
    expect(election.isLeader()).toBe(true);
    expect(
      (await election.waitForLeadership()).fencingToken,
    ).toBeGreaterThanOrEqual(fencingToken);
    expect(await election.participants()).toHaveLength(1);
    expect(descendants(process.pid)).toHaveLength(before);
  });
});

describe('enabled: false', () => {
  it('never leads, but sees who does', async () => {
    const { connectionString } = await startServer();
    const leader = await startApplication({
      options: { connectionString, instanceId: 'worker' },
    });
    await leader.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
    const logger = new MemoryLogger();
    const web = await startApplication({
      options: { connectionString, instanceId: 'web', enabled: false },
      logger,
    });
    expect(logger.messages('log')).toContainEqual(
      expect.stringMatching(/^web never leads: the option enabled is false/),
    );
    const election = web.get(LeaderElection);
    await expect(election.waitForLeadership()).rejects.toMatchObject({
      code: 'DISABLED',
    });
    const seen: (string | undefined)[] = [];
    election.leader$.subscribe((participant) =>
      seen.push(participant?.instanceId),
    );
    await waitFor(() => seen.at(-1) === 'worker', {
      description: 'the leader to be seen',
    });
    expect(election.isLeader()).toBe(false);
    expect(await election.participants()).toHaveLength(1);
  });
});

describe('forRootAsync', () => {
  class Factory {
    createZookeeperLeaderOptions(): ZookeeperLeaderModuleOptions {
      return { standalone: true, instanceId: 'from a class' };
    }
  }
  class Shared {
    static readonly forRoot = {
      module: Shared,
      providers: [Factory],
      exports: [Factory],
    };
  }

  it.each([
    [
      'useFactory',
      {
        useFactory: async () => ({
          standalone: true,
          instanceId: 'from a factory',
        }),
      },
      'from a factory',
    ],
    ['useClass', { useClass: Factory }, 'from a class'],
    [
      'useExisting',
      { imports: [Shared.forRoot], useExisting: Factory },
      'from a class',
    ],
  ])('%s', async (_what, options, instanceId) => {
    const app = track(
      await NestFactory.createApplicationContext(
        {
          module: class Root {},
          imports: [ZookeeperLeaderModule.forRootAsync(options)],
        },
        { logger: new MemoryLogger(), abortOnError: false },
      ),
    );
    expect(app.get(LeaderElection).instanceId).toBe(instanceId);
  });
});

describe('forRootAsync refuses', () => {
  const start = async (options: object): Promise<void> => {
    await NestFactory.createApplicationContext(
      {
        module: class Root {},
        imports: [ZookeeperLeaderModule.forRootAsync(options)],
      },
      { logger: new MemoryLogger(), abortOnError: false },
    );
  };

  it.each<[string, object, RegExp]>([
    [
      'a factory that returns nothing',
      { useFactory: () => undefined },
      /factory of forRootAsync\(\) returned undefined\. Return the options/,
    ],
    [
      'a factory that resolves to nothing',
      { useFactory: async () => undefined },
      /returned undefined/,
    ],
    [
      'a misspelt option in what the factory returns',
      { useFactory: () => ({ credentails: { password: 'x' } }) },
      /no option credentails\. Did you mean credentials\?/,
    ],
    [
      'isGlobal in what the factory returns',
      { useFactory: () => ({ isGlobal: false }) },
      /isGlobal belongs beside useFactory/,
    ],
    ['no factory', {}, /needs one of useFactory, useClass and useExisting/],
    [
      'a misspelt factory',
      { useFactry: () => ({}) },
      /no option useFactry\. Did you mean useFactory\?/,
    ],
    [
      'a class without the method',
      { useClass: class Empty {} },
      /useClass or useExisting names has no method createZookeeperLeaderOptions\(\)/,
    ],
    [
      'a provider without the method',
      {
        imports: [
          {
            module: class Shared {},
            providers: [{ provide: 'SHARED', useValue: {} }],
            exports: ['SHARED'],
          },
        ],
        useExisting: 'SHARED',
      },
      /has no method createZookeeperLeaderOptions\(\)/,
    ],
  ])('%s', async (_what, options, message) => {
    await expect(start(options)).rejects.toThrow(message);
  });
});

describe('named elections', () => {
  it('are injected, and led one by one', async () => {
    @Injectable()
    class Bills {
      constructor(
        @InjectLeaderElection('billing') readonly billing: LeaderElection,
        readonly main: LeaderElection,
      ) {}
    }
    const { connectionString } = await startServer();
    const app = await startApplication({
      options: { connectionString },
      providers: [Bills],
    });
    const { billing, main } = app.get(Bills);
    expect(billing.name).toBe('billing');
    const terms = await Promise.all([
      billing.waitForLeadership({ timeoutMs: 10_000 }),
      main.waitForLeadership({ timeoutMs: 10_000 }),
    ]);
    expect(terms.map(({ election }) => election)).toEqual([
      'billing',
      'default',
    ]);
    await billing.withdraw();
    expect([billing.isLeader(), main.isLeader()]).toEqual([false, true]);
    const third = app
      .get(LeaderElections)
      .get('a name/with ünusual characters');
    await third.waitForLeadership({ timeoutMs: 10_000 });
  });
});

describe('an election that only a class outside the application injects', () => {
  @Injectable()
  class Elsewhere {
    constructor(
      @InjectLeaderElection('elsewhere') readonly election: LeaderElection,
    ) {}
  }

  it.each(['standalone', 'ZooKeeper'])(
    'is not joined, and need not be listed (%s)',
    async (mode) => {
      const isStandalone = mode === 'standalone';
      const real = isStandalone ? undefined : await startServer();
      const app = await startApplication({
        options: {
          ...(real && { connectionString: real.connectionString }),
          standalone: isStandalone,
          elections: ['default'],
        },
      });
      await app.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
      expect(app.get(LeaderElections).names).toEqual(['default']);
      expect(() => app.get(LeaderElections).get('elsewhere')).toThrow(
        /"elsewhere"/,
      );
    },
  );

  it('is led in standalone mode as soon as somebody waits for it', async () => {
    const app = await startApplication({ options: { standalone: true } });
    const election = app.get<LeaderElection>(
      getLeaderElectionToken('elsewhere'),
    );
    expect(election.isLeader()).toBe(false);
    await election.waitForLeadership({ timeoutMs: 10_000 });
    expect(app.get(LeaderElections).names.toSorted()).toEqual([
      'default',
      'elsewhere',
    ]);
  });

  it('has to be listed where a class of the application injects it', async () => {
    await expect(
      startApplication({
        options: { standalone: true, elections: ['default'] },
        providers: [Elsewhere],
      }),
    ).rejects.toThrow(/"elsewhere".*Elsewhere|Elsewhere.*"elsewhere"/s);
  });
});
