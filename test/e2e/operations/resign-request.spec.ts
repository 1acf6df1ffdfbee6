import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { requestResignation } from '../../../lib/operations/resign-request.js';
import type { Participant } from '../../../lib/index.js';
import type { LeaderSession } from '../../../lib/session/leader-session.js';
import {
  ElectionGroup,
  type ElectionInstance,
} from '../../support/election-group.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

let server: ZookeeperServer;
let group: ElectionGroup;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(() => group.close());
afterAll(() => server.close());

/** Joins, leads, and has said so in its node, where a request looks for it. */
async function joinAsLeader(name: string): Promise<ElectionInstance> {
  const instance = await group.join(name);
  await group.waitUntil(
    async () => (await instance.election.participants())[0]?.leaderSince,
    { description: `${name} to say that it leads` },
  );
  return instance;
}

/** Asks through the session of `through` that the leader resign. */
function request(through: ElectionInstance, timeoutMs = 10_000) {
  const { client, paths } = through.elections.session as LeaderSession;
  return requestResignation({
    client,
    path: paths.election('default'),
    requestedBy: 'a test',
    timeoutMs,
  });
}

it('a leader that is asked through ZooKeeper makes way, after its tasks have ended', async () => {
  group = new ElectionGroup(server.port, '/ask-leader');
  const a = await joinAsLeader('a');
  const b = await group.join('b');
  const c = await group.join('c');
  let finishTasks = (): void => undefined;
  const tasks = new Promise<void>((resolve) => {
    finishTasks = resolve;
  });
  a.elections.addDrain(() => tasks);
  const asked = request(c);
  await group.waitUntil(() => !a.isLeader, { description: 'a to step down' });
  expect(a.election.leadership.reason).toBe('resigned');
  expect(b.isLeader).toBe(false);

  finishTasks();
  const result = await asked;
  const { former } = result;
  expect(result).toMatchObject({
    outcome: 'resigned',
    former: { instanceId: 'a' },
    next: { instanceId: 'b' },
  });
  await group.waitForLeader(b);
  await group.expectInvariant();
  // One line for each change of role, with its reason and term.
  const { fencingToken } = former as Participant;
  expect(
    group.logger.messages().filter((line) => line.startsWith('a ')),
  ).toEqual([
    `a leads the election "default" (elected), fencing token ${fencingToken}`,
    'a is asked by "a test" to make way in the election "default"',
    `a no longer leads the election "default" (resigned), fencing token ${fencingToken}`,
  ]);
});

it('a leader without anybody behind it leads again, with a greater token', async () => {
  group = new ElectionGroup(server.port, '/ask-single');
  const a = await joinAsLeader('a');
  const { former, next } = await request(a);
  expect(next?.instanceId).toBe('a');
  expect(next?.fencingToken).toBeGreaterThan(former?.fencingToken as number);
});

it('a request for a former term is not heeded by the present one', async () => {
  group = new ElectionGroup(server.port, '/ask-former');
  const a = await joinAsLeader('a');
  const { fencingToken } = (await a.election.participants())[0] ?? {};
  const [node] = await group.nodes();
  const { client, paths } = a.elections.session as LeaderSession;
  await client.set(
    `${paths.election('default')}/${node}`,
    JSON.stringify({
      fencingToken,
      leaderSince: new Date(0).toISOString(),
      resignRequestedBy: 'somebody slow',
    }),
  );
  // Long enough for the leader to have seen it.
  expect((await request(a, 500)).outcome).toBe('timed-out');
  expect(a.roles).toEqual(['idle', 'leader']);
});

it('who asks is told that there is no leader, or that it takes too long', async () => {
  group = new ElectionGroup(server.port, '/ask-in-vain');
  const outsider = await group.start('outsider', { enabled: false });
  const { client } = outsider.elections.session as LeaderSession;
  await group.waitUntil(() => client.connection.state === 'connected', {
    description: 'the outsider to be connected',
  });
  expect((await request(outsider)).outcome).toBe('no-leader');
  const slow = await joinAsLeader('slow');
  let finishTasks = (): void => undefined;
  const tasks = new Promise<void>((resolve) => {
    finishTasks = resolve;
  });
  slow.elections.addDrain(() => tasks);
  expect(await request(outsider, 1_500)).toMatchObject({
    outcome: 'timed-out',
    former: { instanceId: 'slow' },
  });
  finishTasks();
});
