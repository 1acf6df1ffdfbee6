export { ZookeeperLeaderDashboardModule } from './zookeeper-leader-dashboard.module.js';
export type {
  DashboardActionsOptions,
  DashboardGuard,
  ZookeeperLeaderDashboardOptions,
} from './zookeeper-leader-dashboard-options.interface.js';
