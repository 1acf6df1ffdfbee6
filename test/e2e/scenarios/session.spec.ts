import { describe, expect, it } from '@jest/globals';
import { ElectionGroup } from '../../support/election-group.js';
import type { TcpProxy } from '../../support/tcp-proxy.js';
import { useElectionGroup } from '../../support/use-election-group.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient } from '../../support/wire-client.js';

const SESSION_TIMEOUT_MS = 2_000;

let group: ElectionGroup;
useElectionGroup(
  (own) => {
    group = own;
  },
  { sessionTimeoutMs: SESSION_TIMEOUT_MS },
);

async function disconnect(proxy: TcpProxy | undefined): Promise<void> {
  proxy?.refuse();
  proxy?.cut();
  await waitFor(
    () =>
      group.logger
        .messages('warn')
        .some((text) => /connection to ZooKeeper was lost/.test(text)),
    {
      description: 'the disconnect to be noticed',
    },
  );
}

describe('session and connection', () => {
  it('step-down: lost at the disconnect, leads again with the same node', async () => {
    const a = await group.join('A', {
      isProxied: true,
      connectionLossPolicy: 'step-down',
    });
    const nodes = await group.nodes();
    await disconnect(a.proxy);
    expect(a.isLeader).toBe(false);
    expect(a.changes.at(-1)).toMatchObject({
      role: 'follower',
      reason: 'suspended',
    });
    await a.proxy?.accept();
    await group.waitForLeader(a);
    expect(await group.nodes()).toEqual(nodes);
    await group.expectInvariant();
  });

  it('step-down: does not lead again on a node of the same name that another session owns', async () => {
    const a = await group.join('A', {
      isProxied: true,
      connectionLossPolicy: 'step-down',
    });
    const [node] = await group.nodes();
    const path = `${group.basePath}/elections/default/${node}`;
    await disconnect(a.proxy);
    const outsider = await WireClient.connect({ port: group.port });
    const { data } = await outsider.getData(path);
    await outsider.delete(path);
    await outsider.create(path, { data, ephemeral: true });
    const replaced = await outsider.exists(path);
    await a.proxy?.accept();
    await group.waitForLeader(a);
    const tokens = a.changes.flatMap((change) =>
      change.role === 'leader' ? [change.term.fencingToken] : [],
    );
    expect(tokens).toHaveLength(2);
    expect(tokens[1]).toBeGreaterThan(replaced?.czxid ?? NaN);
    await outsider.close();
    await group.expectInvariant();
  });

  it('hold-lease: a short disconnect gives no event at all', async () => {
    const a = await group.join('A', { isProxied: true });
    await disconnect(a.proxy);
    expect(a.isLeader).toBe(true);
    await a.proxy?.accept();
    await waitFor(
      () =>
        group.logger
          .messages('log')
          .some((text) => /again after .* same session/.test(text)),
      {
        description: 'the connection to come back',
      },
    );
    expect(a.isLeader).toBe(true);
    expect(a.roles).toEqual(['idle', 'leader']);
    await group.expectInvariant();
  });

  // CURATOR-460
  it('cut off for longer than the lease: it ends before the session can expire', async () => {
    // A third of it is for what a busy machine is late by.
    const sessionTimeoutMs = 6_000;
    const a = await group.join('A', { isProxied: true, sessionTimeoutMs });
    const cutAt = performance.now();
    // Nothing is refused and nobody is told: no event says that ZooKeeper is gone.
    a.proxy?.drop();
    await waitFor(() => !a.isLeader, { description: 'the lease to end' });
    const ledForMs = performance.now() - cutAt;
    expect(ledForMs).toBeLessThan(sessionTimeoutMs);
    expect(ledForMs).toBeGreaterThan(sessionTimeoutMs / 3);
    await waitFor(() => a.roles.at(-1) !== 'leader', {
      description: 'the event',
    });
    expect(a.changes[2]?.reason).toBe('lease-expired');
    await a.proxy?.heal();
    await group.waitForLeader(a);
    await group.expectInvariant();
  });

  it('the session expires while leading: the next one leads, the former says lost once', async () => {
    const a = await group.join('A', { isProxied: true });
    const b = await group.join('B');
    a.proxy?.drop();
    await group.waitForLeader(b);
    expect(a.roles.slice(0, 3)).toEqual(['idle', 'leader', 'follower']);
    expect(a.roles.filter((role) => role === 'leader')).toHaveLength(1);
    await a.proxy?.heal();
    a.proxy?.cut();
    await waitFor(async () => (await b.election.participants()).length === 2, {
      description: 'A to queue again',
    });
    expect(a.roles.filter((role) => role === 'leader')).toHaveLength(1);
    await group.expectInvariant();
  });

  // CURATOR-620
  it('two reconnects in quick succession leave one leader and one node each', async () => {
    const a = await group.join('A', { isProxied: true });
    const nodes = await group.nodes();
    for (let flap = 0; flap < 5; flap += 1) {
      const connects = a.proxy?.requests('connect').length ?? 0;
      a.proxy?.cut();
      await waitFor(
        () => (a.proxy?.requests('connect').length ?? 0) > connects,
        { description: 'a reconnect' },
      );
    }
    await group.waitForLeader(a);
    expect(await group.nodes()).toEqual(nodes);
    await group.expectInvariant();
  });

  // CURATOR-653
  it('two instances that reconnect while they delete never lead at once', async () => {
    const a = await group.join('A', { isProxied: true });
    const b = await group.join('B', { isProxied: true });
    for (let round = 0; round < 3; round += 1) {
      const leader = await group.waitForLeader();
      const resigned = leader.election.resign();
      a.proxy?.cut();
      b.proxy?.cut();
      await resigned;
    }
    await group.waitForLeader();
    await group.expectInvariant();
  });

  it('the predecessor dies while we are disconnected: we lead after reconnecting', async () => {
    const a = await group.join('A');
    const b = await group.join('B', { isProxied: true });
    await disconnect(b.proxy);
    await a.close();
    await b.proxy?.accept();
    await group.waitForLeader(b);
    await group.expectInvariant();
  });

  it('a path in the connection string that does not exist is created', async () => {
    const a = await group.start('A', {
      connectionString: `127.0.0.1:${group.port}/new/chroot`,
    });
    await group.waitForLeader(a);
    const nodes = await group.inspect((client) =>
      client.getChildren(`/new/chroot${group.basePath}/elections/default`),
    );
    expect(nodes).toHaveLength(1);
  });

  it("the election's node is removed while nobody is in it: it is created again", async () => {
    const a = await group.join('A');
    await a.election.withdraw();
    await group.inspect((client) =>
      client.deleteRecursive(`${group.basePath}/elections`),
    );
    a.election.enter();
    await group.waitForLeader(a);
    await group.expectInvariant();
  });

  it('after several flaps each of five elections on one session leads again', async () => {
    const names = ['default', 'b', 'c', 'd', 'e'];
    const a = await group.join('A', { isProxied: true, enters: names });
    const all = names.map((name) => a.elections.find(name, 'a test'));
    const allLead = (): boolean => all.every((election) => election.isLeader());
    await waitFor(allLead, { description: 'all elections to be led' });
    for (let flap = 0; flap < 4; flap += 1) {
      const connects = a.proxy?.requests('connect').length ?? 0;
      a.proxy?.cut();
      await waitFor(
        () => (a.proxy?.requests('connect').length ?? 0) > connects,
        { description: 'a reconnect' },
      );
    }
    await waitFor(allLead, { description: 'all elections to be led again' });
    for (const name of names) {
      expect(await group.nodes(name)).toHaveLength(1);
    }
  });

  it("a follower's session expires: it queues again and is not told that it leads", async () => {
    const a = await group.join('A');
    const b = await group.join('B', { isProxied: true });
    const before = await group.nodes();
    b.proxy?.drop();
    await waitFor(async () => (await group.nodes()).length === 1, {
      description: "B's node to go",
    });
    await b.proxy?.heal();
    b.proxy?.cut();
    await waitFor(async () => (await group.nodes()).length === 2, {
      description: 'B to queue again',
    });
    expect(await group.nodes()).not.toEqual(before);
    expect(a.isLeader).toBe(true);
    expect(b.roles).not.toContain('leader');
    await group.expectInvariant();
  });

  it.each(['create', 'getChildren2', 'getData', 'setData'])(
    'the session expires during %s: the election goes on',
    async (opcode) => {
      const a = await group.join('A', { isProxied: true });
      const proxy = a.proxy as TcpProxy;
      await a.election.withdraw();
      const held = proxy.holdReplyOf(opcode);
      a.election.enter();
      await held.arrived;
      await WireClient.expire({ port: group.port, ...proxy.lastSession() });
      proxy.cut();
      await group.waitForLeader(a);
      await group.expectInvariant();
    },
  );

  it.each(['delete', 'create', 'getChildren2'])(
    'the session expires during %s of a resignation: the election goes on',
    async (opcode) => {
      const a = await group.join('A', { isProxied: true });
      const proxy = a.proxy as TcpProxy;
      const held = proxy.holdReplyOf(opcode);
      const resigned = a.election.resign();
      await held.arrived;
      await WireClient.expire({ port: group.port, ...proxy.lastSession() });
      proxy.cut();
      await resigned;
      await group.waitForLeader(a);
      await group.expectInvariant();
    },
  );

  it('lost between winning and starting work: the work does not start', async () => {
    const a = await group.start('A');
    let isLeaderAfterStall: boolean | undefined;
    a.election.leadership$.subscribe(({ role }) => {
      if (role === 'leader' && isLeaderAfterStall === undefined) {
        const until = performance.now() + SESSION_TIMEOUT_MS;
        while (performance.now() < until) {
          // The lease runs out before the work begins.
        }
        isLeaderAfterStall = a.isLeader;
      }
    });
    await waitFor(() => isLeaderAfterStall !== undefined, {
      description: 'A to have led',
    });
    expect(isLeaderAfterStall).toBe(false);
    // The guardian has kept the session: a fresh heartbeat makes it leader again.
    await group.waitForLeader(a);
    await group.expectInvariant();
  });

  it('without permission: told once, tried again without spinning', async () => {
    // Reading and administration, but no creation.
    await group.inspect(async (client) => {
      await client.create(group.basePath);
      await client.setACL(group.basePath, [
        { permissions: 17, scheme: 'world', id: 'anyone' },
      ]);
    });
    const a = await group.start('A', { isProxied: true, acl: 'open' });
    await waitFor(() => group.logger.messages('error').length > 0, {
      description: 'an error in the log',
    });
    await waitFor(() => (a.proxy?.requests('create').length ?? 0) > 8, {
      description: 'some attempts',
    });
    expect(group.logger.messages('error')).toEqual([
      expect.stringMatching(
        /This instance cannot take part in the election "default": .*(closed to clients without credentials|the credentials do not permit this)/,
      ),
    ]);
    expect(a.proxy?.requests().length).toBeLessThan(60);
    expect(a.roles).toEqual(['idle']);
    await group.inspect((client) =>
      client.setACL(group.basePath, [
        { permissions: 31, scheme: 'world', id: 'anyone' },
      ]),
    );
    await group.waitForLeader(a, 25_000);
  });

  it('without permission for heartbeats: leads no longer than a lease, and says why', async () => {
    const instances = `${group.basePath}/instances`;
    await group.inspect(async (client) => {
      await client.createAll(instances);
      await client.setACL(instances, [
        { permissions: 17, scheme: 'world', id: 'anyone' },
      ]);
    });
    const a = await group.join('A', { isProxied: true, acl: 'open' });
    await group.waitUntil(() => group.logger.messages('error').length > 0, {
      description: 'an error in the log',
    });
    expect(a.isLeader).toBe(false);
    expect(group.logger.messages('error')).toEqual([
      expect.stringMatching(
        /This instance cannot take part in the election "default": .*\/instances\/.*(closed to clients without credentials|the credentials do not permit this)/,
      ),
    ]);
    expect([...a.elections.problems.keys()]).toEqual(['default']);
    await group.inspect((client) =>
      client.setACL(instances, [
        { permissions: 31, scheme: 'world', id: 'anyone' },
      ]),
    );
    await group.waitForLeader(a);
    await group.expectInvariant();
  });

  it.each(['auth', 'connect', 'getData'])(
    'an answer to %s that never comes costs a connection, and no session',
    async (opcode) => {
      const a = await group.join('A', {
        isProxied: true,
        sessionTimeoutMs: 6_000,
        credentials: { username: 'app', password: 'secret' },
      });
      await group.waitForLeader(a);
      const b = await group.join('B', {
        sessionTimeoutMs: 6_000,
        credentials: { username: 'app', password: 'secret' },
      });
      const proxy = a.proxy as TcpProxy;
      const { client } = a.elections.session ?? {};
      const before = client?.connection;
      const held = proxy.holdReplyOf(opcode);
      proxy.cut();
      await held.arrived;
      await group.waitUntil(
        () =>
          client?.connection.state === 'connected' &&
          client.connection.epoch >
            (before?.epoch ?? 0) + (opcode === 'getData' ? 1 : 0),
        { description: 'another connection', timeoutMs: 20_000 },
      );
      expect(client?.connection.sessionId).toBe(before?.sessionId);
      expect(b.roles).not.toContain('leader');
      await group.waitForLeader(a);
      group.expectOneLeaderAtATime();
    },
  );

  it('credentials are sent again on every new session', async () => {
    const credentials = { username: 'app', password: 'secret' };
    const a = await group.join('A', { isProxied: true, credentials });
    await group.inspect(async (client) => {
      await client.addAuth('digest', 'app:secret');
      await client.setACL(`${group.basePath}/elections/default`, [
        { permissions: 31, scheme: 'auth', id: '' },
      ]);
    });
    const stranger = await group.start('B');
    await waitFor(() => group.logger.messages('error').length > 0, {
      description: 'the stranger to be refused',
    });
    // The library opens short sessions of another kind as well.
    const { sessionId } = a.elections.session?.client.connection ?? {};
    await WireClient.expire({
      port: group.port,
      ...(a.proxy as TcpProxy).lastSession(sessionId),
    });
    // Only those who have the credentials can create a node again.
    await group.waitUntil(
      () => a.roles.filter((role) => role === 'leader').length === 2,
      { description: 'A to lead on a new session' },
    );
    expect(stranger.roles).toEqual(['idle']);
    expect(JSON.stringify(group.logger.entries)).not.toContain('secret');
  });

  it('a callback that takes long while the session is lost: not leading all the same', async () => {
    const a = await group.start('A', { isProxied: true });
    let isBusy = false;
    a.election.leadership$.subscribe(({ role }) => {
      if (role === 'leader') {
        isBusy = true;
        setTimeout(() => {
          isBusy = false;
        }, 30_000).unref();
      }
    });
    await group.waitForLeader(a);
    a.proxy?.drop();
    await waitFor(() => !a.isLeader, { description: 'the lease to end' });
    expect(isBusy).toBe(true);
    await a.proxy?.heal();
    await group.expectInvariant();
  });

  it('delays and lost connections: one leader at a time', async () => {
    const a = await group.join('A', { isProxied: true });
    const b = await group.join('B', { isProxied: true });
    for (let round = 0; round < 20; round += 1) {
      const { proxy } = round % 2 === 0 ? a : b;
      proxy?.delay(Math.random() * 200);
      await new Promise((resolve) => {
        setTimeout(resolve, Math.random() * 200);
      });
      if (Math.random() < 0.3) {
        proxy?.cut();
      }
    }
    await Promise.all([a.proxy?.heal(), b.proxy?.heal()]);
    await group.waitForLeader();
    await group.expectInvariant();
    expect(group.checker.leaderChanges('default')).toBeLessThan(10);
  });
});
