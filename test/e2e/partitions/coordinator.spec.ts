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
import { ZookeeperServer } from '../../support/zookeeper-server.js';

describe('The instance that assigns partitions', () => {
  let server: ZookeeperServer;
  let fleet: PartitionFleet;
  let fleets = 0;

  beforeAll(async () => {
    server = await ZookeeperServer.start();
  });
  beforeEach(() => {
    fleets += 1;
    fleet = new PartitionFleet(server.port, `/coordinator-${fleets}`, 12);
  });
  afterEach(() => fleet.close());
  afterAll(() => server.close());

  const assignment = (): string => `${fleet.path}/assignment`;

  async function version(): Promise<number> {
    const { stat } = await fleet.inspect((zk) => zk.getData(assignment()));
    return stat.version;
  }

  /** The oldest of three. */
  async function startCoordinator(): Promise<FleetMember> {
    const one = await fleet.start('one', { isProxied: true });
    await fleet.waitForBalance();
    await fleet.startAll('two', 'three');
    await fleet.waitForBalance();
    return one;
  }

  /** As if its machine were lost: it says nothing more, and its session ends. */
  async function lose(member: FleetMember): Promise<void> {
    member.proxy?.refuse();
    member.proxy?.cut();
    await fleet.expire(member);
  }

  it.each([
    { what: 'never arrives', writes: 0 },
    { what: 'is done and not answered', writes: 1 },
  ])(
    'is replaced when it is lost while its write $what',
    async ({ what, writes }) => {
      const one = await startCoordinator();
      const before = await version();
      const held =
        what === 'never arrives'
          ? one.proxy?.holdRequestOf('setData', assignment())
          : one.proxy?.holdReplyOf('setData', assignment()).arrived;
      await fleet.start('four');
      await held;
      expect((await version()) - before).toBe(writes);
      await lose(one);
      await waitFor(
        () => fleet.members.slice(1).every(({ owned }) => owned.length === 4),
        { description: 'the others to own all' },
      );
      await one.proxy?.heal();
      await fleet.waitForBalance();
    },
  );

  it('does not write over what another one has written since', async () => {
    const one = await startCoordinator();
    const before = await version();
    const sent = one.proxy?.holdRequestOf('setData', assignment());
    await fleet.start('four');
    const release = await sent;
    // Another one takes its place, and its session lives on.
    await fleet.inspect(async (zk) => {
      const entries = await zk.getChildren(`${fleet.path}/members`);
      const [oldest] = entries.toSorted(
        (a, b) => Number(a.slice(-10)) - Number(b.slice(-10)),
      );
      await zk.delete(`${fleet.path}/members/${oldest}`);
    });
    await waitFor(async () => (await version()) > before, {
      description: 'the next one to assign',
    });
    release?.();
    await waitFor(
      () =>
        one.proxy
          ?.replies('setData')
          .some(
            ({ path, error }) =>
              path === assignment() && error === 'BAD_VERSION',
          ),
      { description: 'the late write to be refused' },
    );
    await fleet.waitForBalance();
  });
});
