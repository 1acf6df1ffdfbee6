import { describe, expect, it } from '@jest/globals';
import { ElectionGroup } from '../../support/election-group.js';
import type { TcpProxy } from '../../support/tcp-proxy.js';
import { useElectionGroup } from '../../support/use-election-group.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient } from '../../support/wire-client.js';

/** So long that a test which waits for it fails. */
const SESSION_TIMEOUT_MS = 20_000;

let group: ElectionGroup;
useElectionGroup(
  (own) => {
    group = own;
  },
  { sessionTimeoutMs: SESSION_TIMEOUT_MS },
);

describe('an instance that shuts down', () => {
  it.each<[string, (proxy: TcpProxy) => void]>([
    ['does not answer', (proxy) => proxy.drop()],
    [
      'cannot be reached',
      (proxy) => {
        proxy.refuse();
        proxy.cut();
      },
    ],
  ])(
    'waits for a server that %s no longer than a moment',
    async (_what, disturb) => {
      const a = await group.join('A', { isProxied: true });
      disturb(a.proxy as TcpProxy);
      const startedAt = performance.now();
      await a.elections.shutDown();
      expect(performance.now() - startedAt).toBeLessThan(5_000);
      expect(a.election.leadership.reason).toBe('shutdown');
    },
  );

  it('does not wait for a connection that breaks meanwhile', async () => {
    const a = await group.join('A', { isProxied: true });
    const held = a.proxy?.holdReplyOf('delete');
    const startedAt = performance.now();
    const shutDown = a.elections.shutDown();
    await held?.arrived;
    a.proxy?.refuse();
    a.proxy?.cut();
    await shutDown;
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it('enters no election again while another one is still drained', async () => {
    const a = await group.join('A', { enters: ['default', 'slow'] });
    let drained = (): void => undefined;
    const draining = new Promise<void>((resolve) => {
      drained = resolve;
    });
    a.elections.addDrain((name) =>
      name === 'slow' ? draining : Promise.resolve(),
    );
    const shutDown = a.elections.shutDown();
    await waitFor(async () => (await group.nodes()).length === 0, {
      description: 'the node to go',
    });
    a.election.enter();
    expect(a.elections.get().isLeader()).toBe(false);
    a.elections.get('new');
    // In order after whatever these may have asked for.
    await a.elections.session?.client.sync('/');
    expect(await group.nodes()).toEqual([]);
    expect(await group.nodes('new')).toEqual([]);
    drained();
    await shutDown;
    expect(a.roles).toEqual(['idle', 'leader', 'idle']);
  });

  it('has nothing but ended elections afterwards', async () => {
    const a = await group.join('A');
    await a.close();
    const late = a.elections.get('late');
    await expect(late.waitForLeadership()).rejects.toMatchObject({
      code: 'CLOSED',
    });
    await expect(late.resign()).resolves.toBeUndefined();
    await expect(late.withdraw()).resolves.toBeUndefined();
    expect(late.leadership).toMatchObject({ role: 'idle', reason: 'shutdown' });
  });
});

describe('an election that was left', () => {
  it('is not entered again by a caller that only asks for it', async () => {
    const a = await group.join('A');
    await a.election.withdraw();
    const election = a.elections.get();
    expect(await election.participants()).toEqual([]);
    expect(election.leadership.reason).toBe('withdrawn');
    election.enter();
    await group.waitForLeader(a);
    await group.expectInvariant();
  });
});

describe('a session that is replaced while its instance joins', () => {
  it('leaves no node of the former candidacy on the new session', async () => {
    const a = await group.start('A', {
      isProxied: true,
      enters: ['other'],
      credentials: { username: 'app', password: 'secret' },
    });
    await waitFor(() => a.isLeader, { description: 'A to be connected' });
    const proxy = a.proxy as TcpProxy;
    const { session } = a.elections;
    const before = session?.client.connection.sessionId;
    // Asked before the node is created.
    const held = proxy.holdReplyOf('getACL');
    const election = a.elections.get();
    await held.arrived;
    await WireClient.expire({
      port: group.port,
      ...proxy.lastSession(before),
    });
    proxy.cut();
    await waitFor(
      () =>
        session?.client.connection.state === 'connected' &&
        session.client.connection.sessionId !== before,
      { description: 'another session' },
    );
    await waitFor(() => election.isLeader(), { description: 'A to lead' });
    await waitFor(async () => (await election.participants()).length === 1, {
      description: 'A to be there once',
    });
    const instances = await group.inspect(async (client) => {
      await client.addAuth('digest', 'app:secret');
      return client.getChildren(`${group.basePath}/instances`);
    });
    expect(instances).toHaveLength(1);
  });
});
