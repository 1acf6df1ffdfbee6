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
  type FleetMember,
  PartitionFleet,
} from '../../support/partition-fleet.js';
import { waitFor } from '../../support/wait-for.js';
import { unless } from '../../support/wire-error.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

/** What becomes of partitions when something changes. */
describe('The owner of a partition', () => {
  let server: ZookeeperServer;
  let fleet: PartitionFleet;
  let fleets = 0;

  beforeAll(async () => {
    server = await ZookeeperServer.start();
  });
  beforeEach(() => {
    fleets += 1;
    fleet = new PartitionFleet(server.port, `/changes-${fleets}`, 12);
  });
  afterEach(() => fleet.close());
  afterAll(() => server.close());

  it('has a share as its weight says, and none with the weight 0', async () => {
    await Promise.all([
      fleet.start('one', { weight: 1 }),
      fleet.start('two', { weight: 2 }),
      fleet.start('none', { weight: 0 }),
    ]);
    await fleet.waitForBalance();
    expect(fleet.counts).toEqual({ one: 4, two: 8, none: 0 });
  });

  it('is of the highest priority, if that asks for it', async () => {
    const old = await fleet.start('old', { priority: 1 });
    await fleet.start('new', { priority: 2 });
    await fleet.waitForBalance();
    await fleet.start('newest', {
      priority: 3,
      partitionOwners: 'highest-priority',
    });
    await waitFor(() => fleet.counts.newest === 12, {
      description: 'the newest to own all',
    });
    expect(fleet.counts).toEqual({ old: 0, new: 0, newest: 12 });
    await fleet.members[2]?.close();
    await waitFor(() => old.owned.length === 6, {
      description: 'the others to own their share again',
    });
  });

  it('keeps what it has when another instance takes its share', async () => {
    const one = await fleet.start('one');
    await fleet.waitForBalance();
    const terms = new Map(
      one.set.owned.map(({ partition, term }) => [partition, term]),
    );
    await fleet.start('two');
    await fleet.waitForBalance();
    for (const { partition, term } of one.set.owned) {
      expect(term).toBe(terms.get(partition));
      expect(term.signal.aborted).toBe(false);
    }
  });

  it('is replaced when nothing runs for the partition any more', async () => {
    const one = await fleet.start('one');
    await fleet.waitForBalance();
    const drains: (() => void)[] = [];
    fleet.drain = (instance) =>
      new Promise((resolve) => {
        drains.push(resolve);
        if (instance !== 'one') {
          resolve();
        }
      });
    const two = await fleet.start('two');
    await waitFor(() => drains.length === 6, {
      description: 'six partitions to be drained',
    });
    expect(one.owned).toHaveLength(6);
    expect(two.owned).toHaveLength(0);
    drains[0]?.();
    await waitFor(() => two.owned.length === 1, {
      description: 'the first of them to move',
    });
    drains.forEach((drained) => drained());
    await fleet.waitForBalance();
  });

  it('is replaced by all others when its session ends', async () => {
    const [one] = await fleet.startAll('one', 'two', 'three', 'four');
    await fleet.waitForBalance();
    await fleet.expire(one as FleetMember);
    await waitFor(
      () =>
        fleet.members
          .slice(1)
          .every(({ owned }) => owned.length >= 3 && owned.length <= 4),
      { description: 'the others to have their share' },
    );
    await fleet.waitForBalance();
  });

  it('is replaced when it is cut off, and not before it has given up', async () => {
    const one = await fleet.start('one', { isProxied: true });
    await fleet.startAll('two', 'three');
    await fleet.waitForBalance();
    one.proxy?.drop();
    await waitFor(() => one.owned.length === 0, {
      description: 'the one that is cut off to give up',
    });
    await waitFor(
      () => fleet.members.slice(1).every(({ owned }) => owned.length === 6),
      { description: 'the others to own all' },
    );
    await one.proxy?.heal();
    await fleet.waitForBalance();
  });

  it('keeps what it has through a short loss of the connection', async () => {
    const one = await fleet.start('one', { isProxied: true });
    await fleet.start('two');
    await fleet.waitForBalance();
    const terms = one.set.owned.map(({ term }) => term);
    const epoch = (): number =>
      one.elections.session?.client.connection.epoch ?? 0;
    const before = epoch();
    one.proxy?.cut();
    await waitFor(() => epoch() > before, {
      description: 'another connection',
    });
    await fleet.waitForBalance();
    expect(one.set.owned.map(({ term }) => term)).toEqual(terms);
  });

  it('owns it again when somebody else has removed its node', async () => {
    const one = await fleet.start('one');
    await fleet.waitForBalance();
    const [former] = one.set.owned;
    await fleet.inspect((zk) => zk.delete(`${fleet.path}/owners/0`));
    await waitFor(
      () => one.set.owned[0]?.partition === 0 && one.set.owned[0] !== former,
      { description: 'the partition to be owned again' },
    );
    await waitFor(() => former?.term.signal.aborted, {
      description: 'the former term to end',
    });
    const [next] = one.set.owned;
    expect(next?.term.fencingToken).toBeGreaterThan(
      former?.term.fencingToken as number,
    );
    expect(former?.term.signal.reason).toMatchObject({
      reason: 'node-deleted',
    });
  });

  it.each(['is deleted', 'is corrupted'])(
    'keeps what it has when the assignment %s, and a new one is made',
    async (what) => {
      const members = await fleet.startAll('one', 'two', 'three');
      await fleet.waitForBalance();
      const owned = members.map((member) => member.owned);
      const path = `${fleet.path}/assignment`;
      const before = await fleet.inspect((zk) => zk.getData(path));
      await fleet.inspect<unknown>((zk) =>
        what === 'is deleted'
          ? zk.delete(path)
          : zk.setData(path, '{"owners":7}'),
      );
      await waitFor(
        async () => {
          const { data, stat } = await fleet.inspect((zk) => zk.getData(path));
          const isNew =
            stat.czxid !== before.stat.czxid ||
            stat.version > before.stat.version;
          return isNew && JSON.parse(String(data)).version === 1;
        },
        { description: 'another assignment' },
      );
      await fleet.start('four');
      await fleet.waitForBalance();
      for (const [index, { owned: kept }] of members.entries()) {
        expect(owned[index]).toEqual(expect.arrayContaining(kept));
      }
    },
  );

  it('is another one twice at most, for each partition, in a rolling restart', async () => {
    const rolling: readonly (readonly ('start' | 'stop')[])[] = [
      ['start', 'stop'],
      ['stop', 'start'],
    ];
    await fleet.startAll('a', 'b', 'c', 'd');
    await fleet.waitForBalance();
    for (const [round, order] of rolling.entries()) {
      const moves = fleet.owners.map(() => 0);
      for (const member of [...fleet.running]) {
        for (const what of order) {
          const before = fleet.owners;
          await (what === 'stop'
            ? member.close()
            : fleet.start(`${member.name}-${round}`));
          await fleet.waitForBalance();
          fleet.owners.forEach((owner, partition) => {
            moves[partition] =
              (moves[partition] ?? 0) + Number(owner !== before[partition]);
          });
        }
      }
      expect(Math.max(...moves)).toBeLessThanOrEqual(2);
      expect(Math.min(...moves)).toBeGreaterThan(0);
    }
  });

  it('is found again when somebody has deleted all nodes of the partitions', async () => {
    const members = await fleet.startAll('one', 'two', 'three');
    await fleet.waitForBalance();
    members.forEach((member) => fleet.exempt(member));
    const terms = members.flatMap(({ set }) => set.owned);
    await fleet.inspect(async (zk) => {
      const nodes = await zk.tree(fleet.path);
      // Those below first; what is made again meanwhile stays.
      for (const { path } of nodes.toReversed()) {
        await zk.delete(path).catch(unless('NO_NODE', 'NOT_EMPTY'));
      }
    });
    await waitFor(() => terms.every(({ term }) => term.signal.aborted), {
      description: 'all terms to end',
    });
    await fleet.waitForBalance();
    await fleet.start('four');
    await fleet.waitForBalance();
  });

  it('changes at once when the instance that assigns is gone', async () => {
    const one = await fleet.start('one');
    await fleet.startAll('two', 'three');
    await fleet.waitForBalance();
    // The oldest assigns: it takes its own share along.
    await one.close();
    await fleet.waitForBalance();
    await fleet.start('four');
    await fleet.waitForBalance();
    expect(fleet.counts).toEqual({ two: 4, three: 4, four: 4 });
  });

  it('is not replaced by an instance with another number of partitions until all is given up', async () => {
    await fleet.startAll('old-1', 'old-2');
    await fleet.waitForBalance();
    const [one, two] = await Promise.all([
      fleet.start('new-1', { partitions: 16 }),
      fleet.start('new-2', { partitions: 16 }),
    ]);
    await fleet.members[0]?.close();
    await waitFor(() => fleet.members[1]?.owned.length === 12, {
      description: 'the last of the old ones to own all',
    });
    expect([...one.owned, ...two.owned]).toEqual([]);
    await waitFor(
      () =>
        fleet.logger
          .messages()
          .some((each) => /share them out as 12/.test(each)),
      { description: 'the new ones to say what they wait for' },
    );
    const drains: (() => void)[] = [];
    fleet.drain = () => new Promise((resolve) => drains.push(resolve));
    const closed = fleet.members[1]?.close();
    await waitFor(() => drains.length === 12, {
      description: 'all to be drained',
    });
    drains.slice(1).forEach((drained) => drained());
    await waitFor(
      async () =>
        (await fleet.inspect((zk) => zk.getChildren(`${fleet.path}/owners`)))
          .length === 1,
      { description: 'one to be left' },
    );
    expect([...one.owned, ...two.owned]).toEqual([]);
    drains[0]?.();
    await closed;
    await fleet.waitForBalance();
    expect(fleet.counts).toEqual({ 'new-1': 8, 'new-2': 8 });
  });

  it('is nobody by an assignment for another number of partitions than the present one', async () => {
    // Its session outlives the time for which it is held.
    const one = await fleet.start('one', {
      isProxied: true,
      sessionTimeoutMs: 20_000,
    });
    await fleet.waitForBalance();
    const other = await fleet.start('other', {
      partitions: 16,
      isProxied: true,
    });
    const owned: number[] = [];
    other.set.owned$.subscribe((set) =>
      owned.push(...set.map(({ partition }) => partition)),
    );
    await waitFor(
      () => fleet.logger.messages().some((each) => /out as 12/.test(each)),
      { description: 'the other one to have seen the assignment' },
    );
    // Or it would write another assignment at once.
    one.proxy?.hold('requests');
    const forged = JSON.stringify({
      version: 1,
      round: 100,
      members: [other.elections.session?.client.connection.sessionId],
      owners: Array.from({ length: 16 }).fill(0),
      moved: Array.from({ length: 16 }).fill(0),
    });
    await fleet.inspect((zk) => zk.setData(`${fleet.path}/assignment`, forged));
    await waitFor(
      () =>
        (other.proxy?.requests('delete').length ?? 0) > 0 || owned.length > 0,
      { description: 'what has been created to be removed again' },
    );
    one.proxy?.release('requests');
    await waitFor(() => one.owned.length === 12, {
      description: 'the owner to have all again',
    });
    expect(owned).toEqual([]);
  });

  it('is another one when its instance has lost the rights to do its part', async () => {
    await fleet.startAll('one', 'two');
    await fleet.waitForBalance();
    const [, two] = fleet.members;
    const one = fleet.members[0];
    await fleet.inspect(async (zk) => {
      const path = `${fleet.basePath}/instances`;
      const names = await zk.getChildren(path);
      const node = names.find((name) => name.startsWith('one')) as string;
      await zk.setACL(`${path}/${node}`, [
        { permissions: 17, scheme: 'world', id: 'anyone' },
      ]);
    });
    await waitFor(() => two?.owned.length === 12, {
      description: 'the other one to own all',
    });
    expect(one?.owned).toEqual([]);
    expect(fleet.logger.messages('warn')).toContainEqual(
      expect.stringMatching(/^one makes way for others in .*of work"/),
    );
  });

  it('is missing, and the log says why, while a node without a session is in the way', async () => {
    await fleet.inspect(async (zk) => {
      await zk.createAll(`${fleet.path}/owners`);
      await zk.setData(`${fleet.path}/owners`, '{"partitions":12}');
      await zk.create(`${fleet.path}/owners/5`);
    });
    const one = await fleet.start('one');
    await waitFor(() => one.owned.length === 11, {
      description: 'the others to be owned',
    });
    await waitFor(() => !one.elections.isHealthy, {
      description: 'the instance to be unhealthy',
    });
    expect(fleet.logger.messages('error')).toContainEqual(
      expect.stringMatching(
        /owners\/5" is in the way .*"work\[5\]".* Delete it/,
      ),
    );
    await fleet.inspect((zk) => zk.delete(`${fleet.path}/owners/5`));
    await fleet.waitForBalance();
    await waitFor(() => one.elections.isHealthy, {
      description: 'the instance to be healthy again',
    });
  });

  it('owns nothing while its instance is disabled or drained', async () => {
    await fleet.start('off', { enabled: false });
    const one = await fleet.start('one');
    await waitFor(() => one.owned.length === 12, {
      description: 'one to own all',
    });
    await fleet.start('two');
    await waitFor(() => one.owned.length === 6, { description: 'two to join' });
    one.elections.companions.isAway = true;
    await waitFor(() => one.owned.length === 0, {
      description: 'one to leave',
    });
    one.elections.companions.isAway = false;
    await waitFor(() => one.owned.length === 6, {
      description: 'one to be back',
    });
  });
});
