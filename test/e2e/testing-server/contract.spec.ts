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
  type DynamicModule,
  type INestApplicationContext,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  LeaderElection,
  OnlyLeader,
  ZookeeperLeaderModule,
  type Leadership,
} from '../../../lib/index.js';
import {
  FakeCluster,
  fireTick,
  TestingServer,
  ZookeeperLeaderTestingModule,
} from '../../../lib/testing/index.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

@Injectable()
class Reports {
  @OnlyLeader({ scheduled: false })
  async send(): Promise<string> {
    return 'sent';
  }
}

/** Something that elects: gives each instance its module. */
interface Kind {
  readonly name: string;
  start(): Promise<void>;
  /** Forgets the instances of the test before. */
  reset(): void;
  moduleOf(instanceId: string): DynamicModule;
  close(): Promise<void>;
}

/** What the module for tests has to have in common with the real one. */
describe.each<Kind>([fakes(), onTestingServer(), onRealServer()])(
  'elections $name',
  (kind) => {
    let running: INestApplicationContext[] = [];

    beforeAll(() => kind.start());
    afterAll(() => kind.close());
    afterEach(async () => {
      await Promise.all(running.map((each) => each.close()));
      running = [];
      kind.reset();
    });

    /** An instance that leads or waits, with all that it has been through. */
    async function join(instanceId: string) {
      const module = await Test.createTestingModule({
        imports: [kind.moduleOf(instanceId)],
        providers: [Reports],
      }).compile();
      const app = await module.init();
      running.push(app);
      const election = app.get(LeaderElection);
      const changes: Leadership[] = [];
      election.leadership$.subscribe((each) => changes.push(each));
      const { role } = await waitFor(
        () =>
          election.leadership.role === 'idle' ? undefined : election.leadership,
        { description: `${instanceId} to take part` },
      );
      return { app, election, changes, role };
    }

    async function becomes(
      { election }: { election: LeaderElection },
      role: Leadership['role'],
    ): Promise<void> {
      await waitFor(() => election.leadership.role === role, {
        description: `${election.instanceId} to become ${role}`,
      });
    }

    it('who came first leads, the others wait', async () => {
      const a = await join('a');
      const b = await join('b');
      expect([a.role, b.role]).toEqual(['leader', 'follower']);
      expect([a.election.isLeader(), b.election.isLeader()]).toEqual([
        true,
        false,
      ]);
      const participants = await b.election.participants();
      expect(participants.map(({ instanceId }) => instanceId)).toEqual([
        'a',
        'b',
      ]);
    });

    it('the leader alone runs tasks', async () => {
      const a = await join('a');
      const b = await join('b');
      expect(await fireTick(a.app, 'Reports.send')).toBe('sent');
      expect(await fireTick(b.app, 'Reports.send')).toBeUndefined();
    });

    it('who resigns queues at the end, and the next one leads with a greater token', async () => {
      const a = await join('a');
      const b = await join('b');
      const { leadership: before } = a.election;
      await a.election.resign();
      await becomes(b, 'leader');
      await becomes(a, 'follower');
      const { leadership: after } = b.election;
      if (before.role !== 'leader' || after.role !== 'leader') {
        throw new Error('neither led');
      }
      expect(after.term.fencingToken).toBeGreaterThan(before.term.fencingToken);
      expect(before.term.signal.aborted).toBe(true);
      expect(after.term.signal.aborted).toBe(false);
      // A follower is told twice: that it has resigned, and who leads.
      const roles = a.changes.map(({ role }) => role);
      expect(
        roles.filter((role, index) => role !== roles[index - 1]).slice(-2),
      ).toEqual(['leader', 'follower']);
    });

    it('who withdraws takes no part until it enters again', async () => {
      const a = await join('a');
      const b = await join('b');
      await a.election.withdraw();
      await becomes(b, 'leader');
      expect(a.election.leadership).toMatchObject({
        role: 'idle',
        reason: 'withdrawn',
      });
      a.election.enter();
      await becomes(a, 'follower');
      expect(b.election.isLeader()).toBe(true);
    });

    it('an application that is closed hands over, and says why', async () => {
      const a = await join('a');
      const b = await join('b');
      await a.app.close();
      await becomes(b, 'leader');
      expect(a.changes.at(-1)).toMatchObject({
        role: 'idle',
        reason: 'shutdown',
      });
      expect(await fireTick(b.app, 'Reports.send')).toBe('sent');
    });

    it('followers know who leads', async () => {
      const a = await join('a');
      const b = await join('b');
      const leaders: (string | undefined)[] = [];
      b.election.leader$.subscribe((leader) =>
        leaders.push(leader?.instanceId),
      );
      await waitFor(() => leaders.at(-1) === 'a');
      await a.election.resign();
      await waitFor(() => leaders.at(-1) === 'b');
    });
  },
);

function fakes(): Kind {
  let cluster = new FakeCluster();
  return {
    name: 'of the module for tests',
    start: async () => undefined,
    reset: () => {
      cluster = new FakeCluster();
    },
    moduleOf: (instanceId) =>
      ZookeeperLeaderTestingModule.forRoot({ cluster, instanceId }),
    close: async () => undefined,
  };
}

function onTestingServer(): Kind {
  let server: TestingServer;
  return onServer('on the testing server', {
    start: async () => {
      server = await TestingServer.start({ log: false });
      return server.connectionString;
    },
    close: () => server.close(),
  });
}

function onRealServer(): Kind {
  let server: ZookeeperServer;
  return onServer('on a real server', {
    start: async () => {
      server = await ZookeeperServer.start();
      return server.connectionString;
    },
    close: () => server.close(),
  });
}

function onServer(
  name: string,
  server: { start(): Promise<string>; close(): Promise<void> },
): Kind {
  let connectionString = '';
  let tests = 0;
  return {
    name,
    start: async () => {
      connectionString = await server.start();
    },
    reset: () => {
      tests += 1;
    },
    moduleOf: (instanceId) =>
      ZookeeperLeaderModule.forRoot({
        connectionString,
        instanceId,
        basePath: `/contract-${tests}`,
      }),
    close: () => server.close(),
  };
}
