// The module for tests, and elections for whole applications
export {
  ZookeeperLeaderTestingModule,
  type ZookeeperLeaderTestingOptions,
} from './zookeeper-leader-testing.module.js';
export { useFakeElections } from './use-fake-elections.js';
export type { FakeElectionsOptions } from './fake-elections.js';

// Elections whose leader the test decides
export {
  FakeLeaderElection,
  type FakeLeaderElectionOptions,
} from './fake-leader-election.js';
export { FakeCluster } from './fake-cluster.js';
export { fakeElectionOf } from './fake-election-of.js';

// Ticks
export { fireTick } from './fire-tick.js';

// A fake ZooKeeper
export { TestingServer } from './server/testing-server.js';
export type {
  TestingNode,
  TestingRequest,
  TestingServerOptions,
} from './server/testing-server.types.js';
export type { TestingRelease } from './server/release.js';
