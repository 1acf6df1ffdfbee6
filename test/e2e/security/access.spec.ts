import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
} from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { Interval, ScheduleModule } from '@nestjs/schedule';
import {
  InjectLeaderElection,
  LeaderElection,
  LeaderTasks,
  OnlyLeader,
  type ZookeeperLeaderModuleOptions,
} from '../../../lib/index.js';
import {
  beginEra,
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import { aclOf, aclTree } from '../../support/secured-tree.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient } from '../../support/wire-client.js';
import { unless } from '../../support/wire-error.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const credentials = { username: 'app', password: 'correct horse' };
const stranger = { username: 'eve', password: 'guess' };

/** Sorts before everything that ZooKeeper numbers itself. */
const FORGED_ENTRY = 'forged-n_-2147483648';

class Jobs {
  constructor(
    @InjectLeaderElection('billing') readonly billing: LeaderElection,
  ) {}

  @Interval(100)
  @OnlyLeader({ ledger: true, task: 'every tick' })
  async tick(): Promise<void> {
    // only its ledger matters
  }
}

let server: ZookeeperServer;
let insider: WireClient;
let outsider: WireClient;
let base: string;
let options: ZookeeperLeaderModuleOptions;
let count = 0;

beforeAll(async () => {
  server = await ZookeeperServer.start();
  insider = await WireClient.connect({ port: server.port });
  await insider.addAuth(
    'digest',
    `${credentials.username}:${credentials.password}`,
  );
});

beforeEach(async () => {
  outsider = await WireClient.connect({ port: server.port });
  base = `/secured ${(count += 1)}/ä b%2F`;
  const { connectionString } = server;
  options = { connectionString, basePath: base, credentials };
});

afterEach(async () => {
  await closeApplications();
  await outsider.close();
});

afterAll(async () => {
  await insider?.close();
  await server?.close();
});

async function start(
  more: ZookeeperLeaderModuleOptions = {},
): Promise<INestApplicationContext> {
  return startApplication({
    options: { ...options, ...more },
    imports: [ScheduleModule.forRoot()],
    providers: [Jobs],
  });
}

async function startLeader(): Promise<{
  app: INestApplicationContext;
  election: LeaderElection;
}> {
  const app = await start();
  const election = app.get(LeaderElection);
  await election.waitForLeadership({ timeoutMs: 10_000 });
  await app.get(Jobs).billing.waitForLeadership({ timeoutMs: 10_000 });
  await waitFor(
    async () => (await app.get(LeaderTasks).history('every tick')).length > 0,
    { description: 'a tick in the ledger' },
  );
  return { app, election };
}

describe('with credentials', () => {
  it('every node from the base path down is closed to all others', async () => {
    await startLeader();
    await start();
    await waitFor(
      async () =>
        (await insider.getChildren(`${base}/elections/default`)).length === 2,
      { description: 'two participants' },
    );
    // An entry is closed right after it has been created.
    await waitFor(
      async () => {
        const found = await aclTree(insider, base);
        expect([...found.keys()].length).toBeGreaterThan(10);
        for (const acl of found.values()) {
          expect(acl).toEqual(aclOf(credentials));
        }
        return true;
      },
      { description: 'everything to be closed' },
    );
    // What lies above belongs to others as well.
    const [above] = (await insider.getACL(base.slice(0, -7))) ?? [];
    expect(above).toMatchObject({ scheme: 'world' });
  });

  it.each(['nobody', 'somebody else'])(
    'an outsider who is %s can neither take, remove nor forge a leadership',
    async (who) => {
      const { election } = await startLeader();
      const term = (await election.waitForLeadership()).fencingToken;
      if (who === 'somebody else') {
        const { username, password } = stranger;
        await outsider.addAuth('digest', `${username}:${password}`);
      }
      const nodes = (await insider.tree(base)).map(({ path }) => path);
      for (const path of nodes) {
        const refused = { code: 'NO_AUTH' };
        await expect(outsider.getData(path)).rejects.toMatchObject(refused);
        await expect(outsider.getChildren(path)).rejects.toMatchObject(refused);
        await expect(outsider.setData(path, 'x')).rejects.toMatchObject(
          refused,
        );
        await expect(
          outsider.setACL(path, aclOf(stranger)),
        ).rejects.toMatchObject(refused);
        await expect(
          outsider.create(`${path}/${FORGED_ENTRY}`, { ephemeral: true }),
        ).rejects.toMatchObject({
          code: expect.stringMatching(/NO_AUTH|NO_CHILDREN_FOR_EPHEMERALS/),
        });
        // The parent of the base path is open, but what has children stays.
        await expect(outsider.delete(path)).rejects.toMatchObject({
          code: path === base ? 'NOT_EMPTY' : 'NO_AUTH',
        });
      }
      expect(election.isLeader()).toBe(true);
      expect((await election.waitForLeadership()).fencingToken).toBe(term);
    },
  );

  it('an outsider who waits for a node to appear comes too late', async () => {
    await insider.createAll(base.slice(0, -7));
    let isOver = false;
    let attempts = 0;
    const answers = new Set<string>();
    const targets = [
      '',
      '/elections',
      '/elections/default',
      '/instances',
      '/tasks',
    ].map((path) => base + path);
    // As fast as the server answers, many at a time: a node that stays open
    // for one transaction is found open.
    const attack = async (target: string): Promise<void> => {
      while (!isOver) {
        attempts += 1;
        await Promise.all(
          Array.from({ length: 20 }, () =>
            outsider
              .create(`${target}/${FORGED_ENTRY}`, { ephemeral: true })
              .then(() => answers.add('created'))
              .catch((error: { code: string }) => answers.add(error.code)),
          ),
        );
      }
    };
    const attacks = Promise.all(targets.map(attack));
    await startLeader();
    isOver = true;
    await attacks;
    expect(attempts).toBeGreaterThan(10);
    expect([...answers].toSorted()).toEqual(['NO_AUTH', 'NO_NODE']);
  });

  it('an empty base path that an outsider replaces is not believed in', async () => {
    await insider.createAll(base.slice(0, -7));
    let isOver = false;
    const replace = async (): Promise<void> => {
      while (!isOver) {
        await Promise.allSettled([
          outsider.delete(base),
          outsider.create(base),
        ]);
      }
    };
    const attack = replace();
    const { election } = await startLeader();
    isOver = true;
    await attack;
    expect(await insider.getACL(base)).toEqual(aclOf(credentials));
    expect(election.isLeader()).toBe(true);
  });

  it('a client that closes a node of ours to us only makes us create it anew', async () => {
    const { election } = await startLeader();
    const [node = ''] = await insider.getChildren(`${base}/instances`);
    await insider.setACL(`${base}/instances/${node}`, aclOf(stranger));
    await waitFor(
      async () => {
        const acl = await insider.getACL(`${base}/instances/${node}`);
        return acl[0]?.id.startsWith('app:');
      },
      { description: 'the node of the instance to be ours again' },
    );
    expect(election.isLeader()).toBe(true);
  });

  it('they are told to ZooKeeper again with every new connection', async () => {
    const { election } = await startLeader();
    const sessions = await server.sessions();
    const [id = ''] =
      [...sessions].find(([, { ephemerals }]) =>
        ephemerals.some((path) => path.startsWith(base)),
      ) ?? [];
    const former = (await election.waitForLeadership()).fencingToken;
    // A restart ends all connections, but not the session.
    await server.restart();
    await waitFor(() => election.isLeader(), {
      description: 'leading after the restart',
      timeoutMs: 20_000,
    });
    insider = await WireClient.connect({ port: server.port });
    outsider = await WireClient.connect({ port: server.port });
    const { username, password } = credentials;
    await insider.addAuth('digest', `${username}:${password}`);
    expect(id).not.toBe('');
    await election.resign();
    const next = await election.waitForLeadership({ timeoutMs: 10_000 });
    expect(next.fencingToken).toBeGreaterThan(former);
  });
});

it('a new session is given the credentials, too, and begins anew where nothing is left', async () => {
  const app = await start();
  const election = app.get(LeaderElection);
  await election.waitForLeadership({ timeoutMs: 10_000 });
  // A server that has lost its data knows no session any more.
  await server.stop();
  await server.wipe();
  beginEra();
  await server.start();
  insider = await WireClient.connect({ port: server.port });
  outsider = await WireClient.connect({ port: server.port });
  const { username, password } = credentials;
  await insider.addAuth('digest', `${username}:${password}`);
  await waitFor(
    async () => {
      const found = await aclTree(insider, base);
      expect(found.size).toBeGreaterThan(6);
      for (const acl of found.values()) {
        expect(acl).toEqual(aclOf(credentials));
      }
      return election.isLeader();
    },
    { description: 'leadership over closed nodes', timeoutMs: 20_000 },
  );
});

describe('nodes from before there were credentials', () => {
  it('are closed, loudly, and leadership passes on as usual', async () => {
    const { credentials: _, ...open } = options;
    const old = await startApplication({ options: open });
    await old.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });

    const logger = new MemoryLogger();
    const app = await startApplication({ options, logger });
    const election = app.get(LeaderElection);
    await waitFor(() => election.leadership.role === 'follower', {
      description: 'the new instance to wait for the old one',
    });
    const warnings = logger.messages('warn').join('\n');
    expect(warnings).toMatch(
      `"${base}" was open to clients without credentials. It is closed now`,
    );
    expect(warnings).toMatch(`"${base}/elections/default" was open`);
    expect(old.get(LeaderElection).isLeader()).toBe(true);
    await old.close();
    await election.waitForLeadership({ timeoutMs: 10_000 });
    await expect(
      outsider.create(`${base}/elections/default/${FORGED_ENTRY}`),
    ).rejects.toMatchObject({ code: 'NO_AUTH' });
  });

  it('of a ledger are closed, too', async () => {
    await insider.createAll(`${base}/tasks`);
    const ledger = `${base}/tasks/${encodeURIComponent('every tick')}`;
    await outsider.create(ledger, {
      data: JSON.stringify({
        format: 'nestjs-zookeeper-leader/run-ledger/1',
        task: 'every tick',
        token: 0,
        tick: 0,
        open: [],
        past: [],
      }),
    });
    await startLeader();
    expect(await insider.getACL(ledger)).toEqual(aclOf(credentials));
    await outsider.delete(ledger).catch(unless('NO_AUTH'));
    expect(await insider.exists(ledger)).toBeDefined();
  });
});
