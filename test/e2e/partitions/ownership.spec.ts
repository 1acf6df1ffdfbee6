import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
} from '@jest/globals';
import { PartitionFleet } from '../../support/partition-fleet.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

describe('Partitions that instances share', () => {
  let server: ZookeeperServer;
  let fleet: PartitionFleet;
  let fleets = 0;

  beforeAll(async () => {
    server = await ZookeeperServer.start();
  });
  beforeEach(() => {
    fleets += 1;
    fleet = new PartitionFleet(server.port, `/fleet-${fleets}`, 12);
  });
  afterEach(() => fleet.close());
  afterAll(() => server.close());

  it('are all owned by the only instance', async () => {
    const one = await fleet.start('one');
    await fleet.waitForBalance();
    expect(one.owned).toHaveLength(12);
  });

  it('are spread over instances that start together', async () => {
    await fleet.startAll('one', 'two', 'three');
    await fleet.waitForBalance();
    expect(fleet.counts).toEqual({ one: 4, two: 4, three: 4 });
  });

  it('spread over those that join, and over those that stay', async () => {
    for (let index = 1; index <= 8; index++) {
      await fleet.start(`i${index}`);
      await fleet.waitForBalance();
    }
    for (const member of [...fleet.members].slice(0, 7)) {
      await member.close();
      await fleet.waitForBalance();
    }
    expect(fleet.counts).toEqual({ i8: 12 });
  });
});
