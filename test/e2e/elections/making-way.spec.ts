import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
} from '@jest/globals';
import { ElectionGroup } from '../../support/election-group.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const CREDENTIALS = { username: 'app', password: 'secret' };
const OPEN = { permissions: 31, scheme: 'world', id: 'anyone' };
/** Reading, and changing the list. */
const CLOSED = { permissions: 17, scheme: 'world', id: 'anyone' };

let server: ZookeeperServer;
let group: ElectionGroup;
let testNumber = 0;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
beforeEach(() => {
  testNumber += 1;
  group = new ElectionGroup(server.port, `/way-${testNumber}`, {
    sessionTimeoutMs: 2_000,
  });
});
afterEach(() => group.close());
afterAll(() => server.close());

/** Takes rights away from everybody, or gives them back. */
function setRights(path: string, rights: typeof OPEN): Promise<void> {
  return group.inspect((client) =>
    client.setACL(`${group.basePath}/${path}`, [rights]),
  );
}

describe('credentials that are introduced in a rolling deployment', () => {
  it('let leadership pass from the old instances to the new ones, one by one', async () => {
    const old = [];
    for (const name of ['old1', 'old2', 'old3']) {
      old.push(await group.join(name));
    }
    const [old1, old2, old3] = old;
    const new1 = await group.join('new1', { credentials: CREDENTIALS });
    await old1?.close();
    await group.waitForLeader(old2);
    // It cannot list the election any more, and makes way.
    await waitFor(() => old3?.election.leadership.role === 'idle', {
      description: 'the third one to make way',
    });
    const new2 = await group.join('new2', { credentials: CREDENTIALS });
    await old2?.close();
    await group.waitForLeader(new1);
    await old3?.close();
    await new1.close();
    await group.waitForLeader(new2);
    expect(group.logger.messages('warn')).toContainEqual(
      expect.stringMatching(/^old3 makes way for others in .*set the option/),
    );
    group.expectOneLeaderAtATime();
  });
});

describe('rights that are revoked', () => {
  it('under a leader let the next in line lead', async () => {
    const a = await group.join('A');
    await group.waitForLeader(a);
    const b = await group.join('B');
    const node = await group.inspect(async (client) => {
      const names = await client.getChildren(`${group.basePath}/instances`);
      return names.find((name) => name.startsWith('A')) as string;
    });
    await setRights(`instances/${node}`, CLOSED);
    await group.waitForLeader(b);
    expect(a.changes.map(({ reason }) => reason)).toContain('refused');
    expect(a.elections.isHealthy).toBe(false);
    expect(a.elections.problems.get('default')).toMatch(/instances/);
    await setRights(`instances/${node}`, OPEN);
    await waitFor(() => a.election.leadership.role === 'follower', {
      description: 'A to come back',
      timeoutMs: 20_000,
    });
    await waitFor(() => a.elections.isHealthy, { description: 'health' });
    expect(group.logger.messages('log')).toContainEqual(
      expect.stringMatching(
        /^The problem of the election "default" since .* is over/,
      ),
    );
    group.expectOneLeaderAtATime();
  });

  it('from the next in line are no secret, and let others pass', async () => {
    const a = await group.join('A');
    await group.waitForLeader(a);
    const b = await group.join('B');
    const c = await group.join('C');
    const node = await group.inspect(async (client) => {
      const names = await client.getChildren(`${group.basePath}/instances`);
      return names.find((name) => name.startsWith('B')) as string;
    });
    await setRights(`instances/${node}`, CLOSED);
    await waitFor(() => !b.elections.isHealthy, { description: 'ill health' });
    await waitFor(async () => (await group.nodes()).length === 2, {
      description: 'B to make way',
    });
    await a.close();
    await group.waitForLeader(c);
    group.expectOneLeaderAtATime();
  });

  it.each(['resign', 'withdraw'] as const)(
    'let %s() settle, and the next one lead',
    async (leave) => {
      const a = await group.join('A');
      await group.waitForLeader(a);
      const b = await group.join('B');
      await setRights('elections/default', CLOSED);
      await a.election[leave]();
      await group.waitForLeader(b);
      await setRights('elections/default', OPEN);
      expect(group.logger.messages('warn')).toContainEqual(
        expect.stringMatching(/^A replaces its ZooKeeper session: .*delete/),
      );
      group.expectOneLeaderAtATime();
    },
  );
});
