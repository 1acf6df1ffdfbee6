import { afterEach, describe, expect, it } from '@jest/globals';
import { ElectionGroup } from '../../support/election-group.js';
import type { Frame } from '../../support/frame-decoder.js';
import type { TcpProxy } from '../../support/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperEnsemble } from '../../support/zookeeper-ensemble.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const cleanUp: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const clean of cleanUp.splice(0).toReversed()) {
    await clean();
  }
});

async function standalone(
  sessionTimeoutMs = 2_000,
): Promise<[ZookeeperServer, ElectionGroup]> {
  const server = await ZookeeperServer.start();
  const group = new ElectionGroup(server.port, '/outages', {
    sessionTimeoutMs,
  });
  cleanUp.push(
    () => server.close(),
    () => group.close(),
  );
  return [server, group];
}

async function ensemble(
  sessionTimeoutMs: number,
): Promise<[ZookeeperEnsemble, ElectionGroup]> {
  const servers = await ZookeeperEnsemble.start({ size: 3 });
  const group = new ElectionGroup(
    servers.servers[0]?.port as number,
    '/outages',
    {
      sessionTimeoutMs,
      connectionString: servers.connectionString,
    },
  );
  cleanUp.push(
    () => servers.close(),
    () => group.close(),
  );
  return [servers, group];
}

/** How often something was asked after an answer, pings and logins aside. */
function roundTrips(frames: readonly Frame[]): number {
  const kinds = frames
    .filter(({ opcode }) => opcode !== 'ping' && opcode !== 'sasl')
    .map(({ kind }) => kind);
  return kinds.filter(
    (kind, i) => kind === 'request' && kinds[i - 1] !== 'request',
  ).length;
}

describe('outages', () => {
  // CURATOR-724
  it('the servers come back empty: everything is created again, one leads', async () => {
    const [server, group] = await standalone();
    await group.join('A');
    await group.join('B');
    await server.stop();
    await waitFor(() => group.leader() === undefined, {
      description: 'nobody to lead',
    });
    await server.wipe();
    group.era += 1;
    await server.start();
    await group.waitForLeader(undefined, 25_000);
    await group.expectInvariant();
  });

  it('a full outage with ten candidates: nobody leads, then one', async () => {
    const [server, group] = await standalone();
    await Promise.all(
      Array.from({ length: 10 }, (_, index) => group.join(`I${index}`)),
    );
    await group.waitForLeader();
    await server.stop();
    await waitFor(() => group.leader() === undefined, {
      description: 'nobody to lead',
    });
    await server.start();
    await group.waitForLeader(undefined, 25_000);
    await group.expectInvariant();
  });

  it('an outage longer than the session timeout: leads in three round trips of the first server that serves', async () => {
    const [, group] = await standalone();
    // Nodes that are closed to others are looked at first.
    const a = await group.join('A', { isProxied: true, acl: 'open' });
    const proxy = a.proxy as TcpProxy;
    await group.waitForLeader(a);
    proxy.refuse();
    proxy.cut();
    await waitFor(() => a.changes.at(-1)?.reason === 'session-lost', {
      description: 'the session to be given up',
    });
    await waitFor(async () => (await group.nodes()).length === 0, {
      description: 'the server to have expired it',
    });
    proxy.forgetFrames();
    await proxy.accept();
    await group.waitForLeader(a);
    const before = proxy.frames.filter(
      ({ atNs }) => atNs < (group.checker.of('default').at(-1)?.fromNs ?? 0n),
    );
    // "Expired", a new session, and the create with its listing.
    expect(roundTrips(before)).toBeLessThanOrEqual(3);
    expect(
      before
        .filter(({ kind, opcode }) => kind === 'request' && opcode !== 'ping')
        .map(({ opcode }) => opcode)
        .slice(0, 2),
    ).toEqual(['connect', 'connect']);
    // The first heartbeat is the create of the instance's own node.
    expect(before.filter(({ error }) => error !== undefined)).toEqual([]);
    await group.expectInvariant();
  });

  it('a rolling restart of three servers: with hold-lease no change of leader', async () => {
    const [servers, group] = await ensemble(9_000);
    for (const name of ['A', 'B', 'C']) {
      await group.join(name);
    }
    const leader = await group.waitForLeader();
    for (const server of servers.servers) {
      await server.stop();
      await servers.leader();
      await server.start();
      await servers.leader();
    }
    await group.waitForLeader();
    await group.expectInvariant();
    expect(group.leader()).toBe(leader);
    expect(group.checker.of('default')).toHaveLength(1);
  });

  it('the quorum is lost: at most one leader, and none after the lease', async () => {
    const [servers, group] = await ensemble(3_000);
    for (const name of ['A', 'B', 'C']) {
      await group.join(name);
    }
    await group.waitForLeader();
    const lost = (await servers.followers()).slice(0, 2);
    await Promise.all(lost.map((server) => server.stop()));
    await waitFor(() => group.leader() === undefined, {
      description: 'nobody to lead',
    });
    await Promise.all(lost.map((server) => server.start()));
    await servers.leader();
    await group.waitForLeader(undefined, 30_000);
    await group.expectInvariant();
  });
});
