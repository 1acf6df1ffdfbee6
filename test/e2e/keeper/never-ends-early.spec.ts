import type { ChildProcess } from 'node:child_process';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { ElectionGroup } from '../../support/election-group.js';
import type { TcpProxy } from '../../support/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

let server: ZookeeperServer;
let group: ElectionGroup;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(() => group.close());
afterAll(() => server.close());

/** The processes that hold the sessions of this one. */
function keepers(): ChildProcess[] {
  const { _getActiveHandles: handles } = process as unknown as {
    _getActiveHandles(): object[];
  };
  return handles
    .call(process)
    .filter((handle): handle is ChildProcess => 'spawnargs' in handle)
    .filter(({ spawnargs }) => /keeper\.main/.test(spawnargs.join(' ')));
}

it('a late answer to the credentials ends no session', async () => {
  const credentials = { username: 'app', password: 'secret' };
  group = new ElectionGroup(server.port, '/late-auth', {
    sessionTimeoutMs: 6_000,
    credentials,
  });
  const a = await group.join('A', { isProxied: true });
  await group.waitForLeader(a);
  const b = await group.join('B');
  const proxy = a.proxy as TcpProxy;
  const session = a.elections.session?.client.connection.sessionId;
  const held = proxy.holdReplyOf('auth');
  proxy.cut();
  await held.arrived;
  await waitFor(() => !a.isLeader, { description: "A's lease to end" });
  expect(b.isLeader).toBe(false);
  held.release();
  await group.waitForLeader(a);
  expect(a.elections.session?.client.connection.sessionId).toBe(session);
  group.expectOneLeaderAtATime();
});

it('the end of the channel ends no session while the application lives', async () => {
  group = new ElectionGroup(server.port, '/channel', {
    sessionTimeoutMs: 6_000,
  });
  const a = await group.join('A');
  await group.waitForLeader(a);
  const ofA = keepers();
  await group.join('B');
  const session = a.elections.session?.client.connection.sessionId;
  expect(ofA).toHaveLength(1);
  ofA[0]?.disconnect();
  await group.waitUntil(
    () =>
      group.logger.messages('log').some((text) => /again, session/.test(text)),
    { description: 'another keeper to take the session over' },
  );
  expect(a.elections.session?.client.connection.sessionId).toBe(session);
  expect(a.isLeader).toBe(true);
  group.expectOneLeaderAtATime();
});
