export { ZookeeperLeaderMetricsModule } from './zookeeper-leader-metrics.module.js';
export type {
  MetricsRegistry,
  ZookeeperLeaderMetricsOptions,
} from './zookeeper-leader-metrics-options.interface.js';
