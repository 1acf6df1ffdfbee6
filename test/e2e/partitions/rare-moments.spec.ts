import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
} from '@jest/globals';
import { TestingServer } from '../../../lib/testing/index.js';
import {
  type FleetMember,
  PartitionFleet,
} from '../../support/partition-fleet.js';
import { JuteWriter } from '../../support/jute.js';
import { waitFor } from '../../support/wait-for.js';
import { multiOf } from '../../support/wire-records.js';
import { WireSession } from '../../support/wire-session.js';

describe('Partitions in rare moments', () => {
  let server: TestingServer;
  let fleet: PartitionFleet;
  let fleets = 0;

  beforeAll(async () => {
    server = await TestingServer.start({ log: false });
  });
  beforeEach(() => {
    fleets += 1;
    fleet = new PartitionFleet(server.port, `/rare-${fleets}`, 12);
  });
  afterEach(() => fleet.close());
  afterAll(() => server.close());

  const stateOf = ({ elections }: FleetMember): string | undefined =>
    elections.session?.client.connection.state;

  it('are free after a session that was believed lost, and comes back when they are assigned to others', async () => {
    await fleet.start('one');
    await fleet.waitForBalance();
    const two = await fleet.start('two', { isProxied: true });
    await fleet.waitForBalance();
    const session = two.elections.session?.client.connection.sessionId;
    void server.pause();
    await waitFor(
      () => fleet.members.every((each) => stateOf(each) === 'lost'),
      { description: 'all sessions to be believed lost' },
    );
    two.proxy?.refuse();
    two.proxy?.cut();
    server.resume();
    const three = await fleet.start('three');
    await waitFor(() => three.set.assignedCount === 4, {
      description: 'an assignment to three',
    });
    await two.proxy?.heal();
    await fleet.waitForBalance();
    expect(two.elections.session?.client.connection.sessionId).toBe(session);
  });

  it('move on when an administrator has removed all nodes of their group', async () => {
    const options = { isProxied: true, sessionTimeoutMs: 6_000 };
    await Promise.all(
      ['one', 'two', 'three'].map((name) => fleet.start(name, options)),
    );
    const last = await fleet.start('last', options);
    await fleet.waitForBalance();
    fleet.members.forEach((each) => fleet.exempt(each));
    const others = fleet.members.filter((each) => each !== last);
    others.forEach(({ proxy }) => proxy?.hold('requests'));
    const sent = last.proxy?.holdRequestOf('create', fleet.basePath);
    const administrator = await WireSession.open({ port: server.port });
    const paths = server.tree(fleet.path).map(({ path }) => path);
    await administrator.request(
      'multi',
      multiOf(
        ...paths
          .toReversed()
          .map(
            (path) =>
              ['delete', new JuteWriter().string(path).int(-1)] as const,
          ),
      ),
      fleet.path,
    );
    await administrator.close();
    // It looks for the group before it comes back to it, as the last one.
    const comeBack = await sent;
    await waitFor(() =>
      last.proxy
        ?.replies('getChildren2')
        .some(({ path, error }) => path === fleet.path && error === 'NO_NODE'),
    );
    others.forEach(({ proxy }) => proxy?.release('requests'));
    const members = (): unknown[] =>
      server.tree(`${fleet.path}/members`).slice(1);
    await waitFor(() => members().length === others.length);
    comeBack?.();
    await waitFor(() => members().length === fleet.members.length);
    await fleet.waitForBalance();
    // It takes a part of that, and is still not next in line.
    await others[0]?.close();
    await fleet.waitForBalance();
  });

  it('have no owner that has not heard of another number of partitions', async () => {
    const one = await fleet.start('one');
    await fleet.waitForBalance();
    await fleet.inspect((zk) =>
      zk.setData(`${fleet.path}/owners`, '{"partitions":7}'),
    );
    server.disconnect();
    const nodes = (): unknown[] => server.tree(`${fleet.path}/owners`).slice(1);
    await waitFor(() => nodes().length === 0, {
      description: 'the nodes of the owner to go',
    });
    expect(one.owned).toEqual([]);
  });

  it('move on when their owner may not give them back', async () => {
    const [one, two] = await fleet.startAll('one', 'two');
    await fleet.waitForBalance();
    const [partition] = one?.owned ?? [];
    await fleet.inspect((zk) =>
      zk.setACL(`${fleet.path}/owners/${partition}`, [
        { permissions: 17, scheme: 'world', id: 'anyone' },
      ]),
    );
    (one as FleetMember).elections.companions.isAway = true;
    await waitFor(() => two?.owned.length === 12, {
      description: 'the other one to own all',
    });
    expect(one?.owned).toEqual([]);
    expect(fleet.logger.messages('warn')).toContainEqual(
      expect.stringMatching(/^one replaces its ZooKeeper session: .*work/),
    );
  });
});
