import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { ElectionGroup } from '../../support/election-group.js';
import { WireClient } from '../../support/wire-client.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

let server: ZookeeperServer;
let group: ElectionGroup;

beforeAll(async () => {
  server = await ZookeeperServer.start({ config: { maxClientCnxns: 2 } });
});
afterEach(() => group.close());
afterAll(() => server.close());

// With credentials, joining once took a second connection, which nobody missed.
it.each<[string, object]>([
  ['open nodes', {}],
  ['credentials', { credentials: { username: 'app', password: 'secret' } }],
])(
  'one connection is enough to lead and to follow, with %s',
  async (kind, options) => {
    group = new ElectionGroup(server.port, `/few-${kind.length}`, {
      sessionTimeoutMs: 4_000,
      ...options,
    });
    const a = await group.join('A');
    const b = await group.join('B');
    await group.waitForLeader(a);
    expect(a.elections.isHealthy && b.elections.isHealthy).toBe(true);
    await a.close();
    await group.waitForLeader(b);
  },
);

it('a server that refuses connections is named in the log, and the instance joins when it accepts them', async () => {
  const others = await Promise.all(
    [1, 2].map(() => WireClient.connect({ port: server.port })),
  );
  group = new ElectionGroup(server.port, '/refused', {
    sessionTimeoutMs: 4_000,
  });
  const a = await group.start('A');
  await group.waitUntil(
    () =>
      group.logger
        .messages('warn')
        .some((text) =>
          text.startsWith(
            `ZooKeeper cannot be reached (127.0.0.1:${server.port} `,
          ),
        ),
    { description: 'the log to name the server' },
  );
  expect(a.isLeader).toBe(false);
  await Promise.all(others.map((other) => other.close()));
  await group.waitForLeader(a);
});
