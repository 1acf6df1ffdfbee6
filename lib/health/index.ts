export {
  ZookeeperLeaderHealthIndicator,
  type ZookeeperLeaderHealthOptions,
} from './zookeeper-leader.health.js';
export type {
  ElectionHealth,
  ZookeeperLeaderHealth,
} from './zookeeper-leader-health.interface.js';
