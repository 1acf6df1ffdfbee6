export {
  ZookeeperLeaderHealthIndicator,
  type ZookeeperLeaderHealthOptions,
} from './zookeeper-leader.health.js';
export type {
  ElectionHealth,
  PartitionsHealth,
  ZookeeperLeaderHealth,
} from './zookeeper-leader-health.interface.js';
