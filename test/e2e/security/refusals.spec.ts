import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
} from '@jest/globals';
import {
  LeaderElection,
  type ZookeeperLeaderModuleOptions,
} from '../../../lib/index.js';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import { aclOf } from '../../support/secured-tree.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient } from '../../support/wire-client.js';
import { OPEN_ACL } from '../../support/wire-records.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const credentials = { username: 'app', password: 'correct horse' };
const other = { username: 'other', password: 'another one' };

let server: ZookeeperServer;
let administrator: WireClient;
let base: string;
let count = 0;

beforeAll(async () => {
  server = await ZookeeperServer.start();
  administrator = await WireClient.connect({ port: server.port });
  for (const { username, password } of [credentials, other]) {
    await administrator.addAuth('digest', `${username}:${password}`);
  }
});

beforeEach(() => {
  base = `/refused-${(count += 1)}`;
});

afterEach(closeApplications);

afterAll(async () => {
  await administrator?.close();
  await server?.close();
});

/** Starts an instance that cannot take part; resolves to what it complains of. */
async function complaintOf(
  options: ZookeeperLeaderModuleOptions,
): Promise<string> {
  const logger = new MemoryLogger();
  const { connectionString } = server;
  const app = await startApplication({
    options: { connectionString, basePath: base, ...options },
    logger,
  });
  const problems = (): string[] => logger.messages('error');
  await waitFor(() => problems().length > 0, { description: 'a complaint' });
  expect(app.get(LeaderElection).isLeader()).toBe(false);
  const startedAt = Date.now();
  await app.close();
  expect(Date.now() - startedAt).toBeLessThan(9_000);
  expect(problems()).toHaveLength(1);
  expect(JSON.stringify(logger.entries)).not.toMatch(
    /correct horse|another one|guess/,
  );
  return problems()[0] as string;
}

describe('an instance is told why it cannot take part:', () => {
  it('a wrong password', async () => {
    await startApplication({
      options: {
        connectionString: server.connectionString,
        basePath: base,
        credentials,
      },
    }).then((app) => app.get(LeaderElection).waitForLeadership());
    expect(
      await complaintOf({ credentials: { ...credentials, password: 'guess' } }),
    ).toBe(
      `This instance cannot take part in the election "default": "${base}" is closed to the user "app" ` +
        'of the option credentials: the password is wrong, or the node was made ' +
        'by another identity; trying again',
    );
  });

  it('no credentials', async () => {
    await administrator.create(base, { acl: aclOf(credentials) });
    expect(await complaintOf({})).toMatch(
      `${base}/elections: closed to clients without credentials; set the ` +
        'option credentials',
    );
  });

  it('a parent in which it may not create', async () => {
    await administrator.create(base, { acl: aclOf(other) });
    const basePath = `${base}/leaders`;
    expect(await complaintOf({ credentials, basePath })).toMatch(
      `"${basePath}" does not exist, and the user "app" of the option ` +
        `credentials may not create it: permit "c" (create) on "${base}"`,
    );
  });

  it('a path of the connection string in which it may not create', async () => {
    await administrator.create(base, { acl: aclOf(other) });
    const connectionString = `${server.connectionString}${base}/of/app`;
    const basePath = '/leaders';
    expect(
      await complaintOf({ credentials, connectionString, basePath }),
    ).toMatch(
      `"${base}/of" does not exist, and the user "app" of the option ` +
        `credentials may not create it: permit "c" (create) on "${base}"`,
    );
  });

  it('a base path that is open and that it may not close', async () => {
    await administrator.create(base, {
      acl: [
        ...aclOf(other),
        ...OPEN_ACL.map((entry) => ({ ...entry, permissions: 15 })),
      ],
    });
    expect(await complaintOf({ credentials })).toMatch(
      `"${base}" is open to clients without credentials, and the user "app" of ` +
        'the option credentials may not close it',
    );
  });
});

it('a base path of an administrator, with all but one right, will do', async () => {
  await administrator.create(base, {
    acl: [...aclOf(other), ...aclOf(credentials, 15)],
  });
  const app = await startApplication({
    options: {
      connectionString: server.connectionString,
      basePath: base,
      credentials,
    },
  });
  await app.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
  expect(await administrator.getACL(base)).toHaveLength(2);
});

describe('servers that want to know', () => {
  const running: ZookeeperServer[] = [];

  afterEach(() => Promise.all(running.splice(0).map((each) => each.close())));

  async function startServer(...jvmArgs: string[]): Promise<ZookeeperServer> {
    const started = await ZookeeperServer.start({ jvmArgs });
    running.push(started);
    return started;
  }

  it('who connects take an instance with credentials', async () => {
    const { connectionString } = await startServer(
      '-Dzookeeper.enforce.auth.enabled=true',
      '-Dzookeeper.enforce.auth.schemes=digest',
    );
    const app = await startApplication({
      options: { connectionString, credentials },
    });
    const election = app.get(LeaderElection);
    await election.waitForLeadership({ timeoutMs: 10_000 });
    expect(election.isLeader()).toBe(true);
  });

  it('nothing of digests are logged once, however often they refuse', async () => {
    const { connectionString } = await startServer(
      '-Dzookeeper.DigestAuthenticationProvider.enabled=false',
    );
    const [reluctant] = running;
    const logger = new MemoryLogger();
    await startApplication({
      options: { connectionString, credentials },
      logger,
    });
    await waitFor(() => logger.messages('error').length > 0, {
      description: 'the complaint',
    });
    // It has been refused twice by then.
    await waitFor(
      async () =>
        ((await reluctant?.counters())?.connection_request_count ?? 0) >= 3,
      { description: 'further attempts', timeoutMs: 20_000 },
    );
    const problems = logger.entries.filter(({ level }) => level !== 'log');
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringMatching(/password .* is sent to ZooKeeper without encrypt/),
      expect.stringMatching(/ZooKeeper refused the option credentials/),
    ]);
  });
});
