import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
} from '@jest/globals';
import { GROUP, PartitionFleet } from '../../support/partition-fleet.js';
import type { ProcessInstance } from '../../support/process-instance.js';
import { TaskInstances } from '../../support/task-instances.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const BEFORE = 12;
const AFTER = 16;

describe('The process that assigns partitions, killed between two of its writes', () => {
  let server: ZookeeperServer;
  let proxy: TcpProxy;
  let fleet: PartitionFleet;
  let instances: TaskInstances;
  let fleets = 0;

  beforeAll(async () => {
    server = await ZookeeperServer.start();
  });
  beforeEach(async () => {
    fleets += 1;
    fleet = new PartitionFleet(server.port, `/killed-${fleets}`, BEFORE);
    proxy = await TcpProxy.start({ targetPort: server.port });
  });
  afterEach(async () => {
    await instances.close();
    proxy.close();
    await fleet.close();
  });
  afterAll(() => server.close());

  const owners = (): string => `${fleet.path}/owners`;
  const assignment = (): string => `${fleet.path}/assignment`;

  /** An instance in a process of its own, behind the proxy. */
  function startProcess(partitions: number): ProcessInstance {
    const { basePath } = fleet;
    instances = new TaskInstances(
      { connectionString: proxy.connectionString, basePath },
      [{ task: GROUP, options: { partitions, scheduled: false } }],
    );
    return instances.start();
  }

  async function waitForMembers(count: number): Promise<void> {
    const path = `${fleet.path}/members`;
    await waitFor(
      async () =>
        (await fleet.inspect((zk) => zk.getChildren(path))).length === count,
      { timeoutMs: 20_000, description: `${count} members` },
    );
  }

  /** Each partition as its owners see it, and as the server does. */
  async function expectOneOwnerEach(partitions: number): Promise<void> {
    await fleet.waitForBalance();
    const path = owners();
    const nodes = await fleet.inspect(async (zk) => {
      const names = await zk.getChildren(path);
      return Promise.all(
        names.map(async (name) => {
          const { stat } = await zk.getData(`${path}/${name}`);
          return { partition: Number(name), session: stat.ephemeralOwner };
        }),
      );
    });
    const owned = fleet.running.flatMap(({ owned: numbers, elections }) =>
      numbers.map((partition) => ({
        partition,
        session: elections.session?.client.connection.sessionId,
      })),
    );
    const byNumber = (one: { partition: number }, two: { partition: number }) =>
      one.partition - two.partition;
    expect(owned.toSorted(byNumber)).toEqual(nodes.toSorted(byNumber));
    expect(owned).toHaveLength(partitions);
  }

  it.each([
    { what: 'has not arrived', writes: 0 },
    { what: 'is done and not answered', writes: 1 },
  ])('is replaced when its assignment $what', async ({ writes }) => {
    const coordinator = startProcess(BEFORE);
    await waitForMembers(1);
    await fleet.startAll('one', 'two');
    await waitFor(() => fleet.running.every(({ owned }) => owned.length === 4));
    const version = async (): Promise<number> => {
      const { stat } = await fleet.inspect((zk) => zk.getData(assignment()));
      return stat.version;
    };
    const before = await version();

    const reply = proxy.holdReplyOf('setData', assignment());
    const held =
      writes === 0
        ? proxy.holdRequestOf('setData', assignment())
        : reply.arrived.then(() => () => reply.release());
    await fleet.start('three');
    const release = await held;
    expect((await version()) - before).toBe(writes);
    await coordinator.kill();
    await expectOneOwnerEach(BEFORE);

    // What was on its way arrives after its end.
    const repaired = await version();
    release();
    await waitFor(() => proxy.openConnections === 0, {
      description: 'its connections to end',
    });
    expect(await version()).toBe(repaired);
    await expectOneOwnerEach(BEFORE);
  });

  it.each([
    { what: 'the node of the former number is gone', last: 'delete' },
    { what: 'that of the next number is there', last: 'create' },
  ] as const)(
    'is replaced in a change of the number, when $what',
    async ({ last }) => {
      const old = await fleet.start('old');
      await fleet.waitForBalance();
      const coordinator = startProcess(AFTER);
      await waitForMembers(2);
      await Promise.all(
        ['one', 'two'].map((name) => fleet.start(name, { partitions: AFTER })),
      );
      await waitForMembers(4);
      const before = await fleet.inspect((zk) => zk.getData(assignment()));

      const held = proxy.holdReplyOf(last, owners());
      await old.close();
      await held.arrived;
      const [hasOwners, found] = await fleet.inspect((zk) =>
        Promise.all([zk.exists(owners()), zk.getData(assignment())]),
      );
      expect(hasOwners !== undefined).toBe(last === 'create');
      expect(found.stat.version).toBe(before.stat.version);
      await coordinator.kill();
      await expectOneOwnerEach(AFTER);
    },
  );

  it('is replaced when nothing has been assigned before', async () => {
    const coordinator = startProcess(BEFORE);
    const held = proxy.holdRequestOf('create', assignment());
    await held;
    await fleet.startAll('one', 'two');
    await waitForMembers(3);
    expect(fleet.running.flatMap(({ owned }) => owned)).toEqual([]);
    await coordinator.kill();
    await expectOneOwnerEach(BEFORE);
  });
});
