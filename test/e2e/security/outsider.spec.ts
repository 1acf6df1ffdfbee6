import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  expect,
  it,
} from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { sortedNodes } from '../../../lib/election/election-node.js';
import { LeaderElection } from '../../../lib/index.js';
import { JuteWriter } from '../../support/jute.js';
import {
  closeApplications,
  exempt,
  startApplication,
} from '../../support/nest-application.js';
import type { Opcode } from '../../support/protocol.js';
import { aclOf } from '../../support/secured-tree.js';
import { endSession, sessionPassword } from '../../support/session-thief.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient } from '../../support/wire-client.js';
import { multiOf, OPEN_ACL, writeAcl } from '../../support/wire-records.js';
import { WireSession } from '../../support/wire-session.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const credentials = { username: 'app', password: 'correct horse' };

let server: ZookeeperServer;
let insider: WireClient;
let outsider: WireSession;
let base: string;
let count = 0;

beforeAll(async () => {
  server = await ZookeeperServer.start();
  insider = await WireClient.connect({ port: server.port });
  const { username, password } = credentials;
  await insider.addAuth('digest', `${username}:${password}`);
});

beforeEach(async () => {
  base = `/outsider-${(count += 1)}`;
  outsider = await WireSession.open({ port: server.port });
});

afterEach(async () => {
  await closeApplications();
  await outsider.close();
});

afterAll(async () => {
  await insider?.close();
  await server?.close();
});

async function start(): Promise<{
  app: INestApplicationContext;
  election: LeaderElection;
}> {
  const { connectionString } = server;
  const app = await startApplication({
    options: { connectionString, basePath: base, credentials },
  });
  return { app, election: app.get(LeaderElection) };
}

async function startLeader(): Promise<LeaderElection> {
  const { election } = await start();
  await election.waitForLeadership({ timeoutMs: 10_000 });
  return election;
}

/** What anybody may ask without any right: the number of the leader's session. */
async function sessionOfLeader(): Promise<string> {
  const [first] = sortedNodes(
    await insider.getChildren(`${base}/elections/default`),
  );
  const entry = first?.name ?? '';
  const stat = await insider.exists(`${base}/elections/default/${entry}`);
  return stat?.ephemeralOwner ?? '';
}

/** Requests as the protocol has them, and some that no client library sends. */
function requestsFor(path: string): [Opcode, JuteWriter][] {
  const creation = (): JuteWriter =>
    writeAcl(
      new JuteWriter().string(`${path}/x-n_-2147483648`).string('{}'),
      OPEN_ACL,
    );
  const deletion = new JuteWriter().string(path).int(-1);
  const replacement = new JuteWriter().string(path).string('x').int(-1);
  return [
    ['create2', creation().int(1)],
    ['createContainer', creation().int(4)],
    ['createTTL', creation().int(5).long(1_000n)],
    ['multi', multiOf(['create', creation().int(1)])],
    ['multi', multiOf(['delete', deletion])],
    ['multi', multiOf(['setData', replacement])],
    ['check', new JuteWriter().string(path).int(0)],
  ];
}

it('no kind of request gets an outsider past the lists', async () => {
  const election = await startLeader();
  const { fencingToken } = await election.waitForLeadership();
  const before = await insider.tree(base);
  expect(before.length).toBeGreaterThan(5);
  for (const { path } of before) {
    for (const [opcode, body] of requestsFor(path)) {
      // What is in a transaction fails inside an answer that succeeds.
      await outsider.request(opcode, body, path).catch(() => undefined);
    }
    await outsider
      .request('deleteContainer', new JuteWriter().string(path), path)
      .catch(() => undefined);
  }
  const paths = (nodes: typeof before): string[] =>
    nodes.map(({ path }) => path);
  const after = await insider.tree(base);
  expect(paths(after)).toEqual(paths(before));
  for (const { path } of after) {
    expect(await insider.getACL(path)).toEqual(aclOf(credentials));
  }
  expect(election.isLeader()).toBe(true);
  expect((await election.waitForLeadership()).fencingToken).toBe(fencingToken);
});

it('a client that takes a session over has none of its rights, and its instance leads on', async () => {
  const election = await startLeader();
  const { fencingToken } = await election.waitForLeadership();
  const sessionId = await sessionOfLeader();
  const paths = (await insider.tree(base)).map(({ path }) => path);
  const thief = await WireSession.open({
    port: server.port,
    sessionId,
    password: sessionPassword(sessionId),
  });
  // In the moments before its instance is back.
  const answers = await Promise.allSettled(
    paths.flatMap((path) => [
      thief.request('delete', new JuteWriter().string(path).int(-1), path),
      thief.request('getData', new JuteWriter().string(path).bool(false), path),
    ]),
  );
  thief.destroy();
  expect(answers.map(({ status }) => status)).not.toContain('fulfilled');
  await waitFor(() => election.isLeader(), {
    description: 'the instance to go on',
  });
  expect((await election.waitForLeadership()).fencingToken).toBe(fencingToken);
  expect(await sessionOfLeader()).toBe(sessionId);
});

it('a wrong password takes no session over', async () => {
  const election = await startLeader();
  const { fencingToken } = await election.waitForLeadership();
  const sessionId = await sessionOfLeader();
  await expect(
    WireSession.open({ port: server.port, sessionId }),
  ).rejects.toMatchObject({ code: 'SESSION_EXPIRED' });
  await waitFor(() => election.isLeader(), {
    description: 'the instance to go on',
  });
  expect((await election.waitForLeadership()).fencingToken).toBe(fencingToken);
});

// ZooKeeper lets anybody do that who reaches it (docs/security.md).
it('a client that ends the session of the leader gives leadership to the next in line, not to itself', async () => {
  const first = await startLeader();
  const { fencingToken, signal } = await first.waitForLeadership();
  const { election: second } = await start();
  await waitFor(() => second.leadership.role === 'follower', {
    description: 'somebody to be next in line',
  });
  exempt(first);
  const session = await sessionOfLeader();
  await endSession(server.port, session);
  const next = await second.waitForLeadership({ timeoutMs: 10_000 });
  expect(next.fencingToken).toBeGreaterThan(fencingToken);
  await waitFor(() => signal.aborted, {
    description: 'the former leader to know',
  });
  await waitFor(() => first.leadership.role === 'follower', {
    description: 'the former leader to queue again',
  });
  expect(first.leadership.reason).toBe('waiting');
  for (const acl of [base, `${base}/elections/default`]) {
    expect(await insider.getACL(acl)).toEqual(aclOf(credentials));
  }
});
