export { ZookeeperLeaderOtelModule } from './zookeeper-leader-otel.module.js';
export type { ZookeeperLeaderOtelOptions } from './zookeeper-leader-otel-options.interface.js';
