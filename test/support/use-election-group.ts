import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { ElectionGroup, type InstanceOptions } from './election-group.js';
import { ZookeeperServer } from './zookeeper-server.js';

/**
 * A server for all tests of a file, and for each test a group with a base path of
 * its own, which proves after the test that there was one leader at a time.
 *
 * @param take is given the group before each test
 */
export function useElectionGroup(
  take: (group: ElectionGroup) => void,
  defaults: InstanceOptions = {},
): void {
  let server: ZookeeperServer;
  let group: ElectionGroup;
  let groups = 0;

  beforeAll(async () => {
    server = await ZookeeperServer.start();
  });
  beforeEach(() => {
    groups += 1;
    group = new ElectionGroup(server.port, `/test-${groups}`, defaults);
    take(group);
  });
  afterEach(() => group.close());
  afterAll(() => server.close());
}
