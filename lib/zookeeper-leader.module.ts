import { Module, type DynamicModule } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { LeaderElection } from './election/leader-election.js';
import { LeaderElections } from './election/leader-elections.js';
import { LeaderTasks } from './tasks/leader-tasks.js';
import {
  ConfigurableModuleClass,
  type ASYNC_OPTIONS_TYPE,
  type OPTIONS_TYPE,
} from './zookeeper-leader.module-definition.js';
import {
  LEADER_PROVIDERS,
  withNamedElections,
} from './zookeeper-leader.providers.js';

/**
 * Elects a leader among the instances of the application, through ZooKeeper.
 * Imported once, in the root module; global unless `isGlobal: false`.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     ScheduleModule.forRoot(),
 *     ZookeeperLeaderModule.forRoot({ connectionString: 'zk1:2181,zk2:2181' }),
 *   ],
 * })
 * export class AppModule {}
 * ```
 *
 * @publicApi
 */
@Module({
  imports: [DiscoveryModule],
  providers: LEADER_PROVIDERS,
  exports: [LeaderElections, LeaderElection, LeaderTasks],
})
export class ZookeeperLeaderModule extends ConfigurableModuleClass {
  /**
   * @throws {TypeError} (at start) for an option that is not valid
   */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return withNamedElections(super.forRoot(options));
  }

  /**
   * {@link forRoot} with options that have to be injected or awaited.
   *
   * @example
   * ```ts
   * ZookeeperLeaderModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({
   *     connectionString: config.getOrThrow('ZOOKEEPER'),
   *   }),
   * })
   * ```
   */
  static override forRootAsync(
    options: typeof ASYNC_OPTIONS_TYPE,
  ): DynamicModule {
    return withNamedElections(super.forRootAsync(options));
  }
}
