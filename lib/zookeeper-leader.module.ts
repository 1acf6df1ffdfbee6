import { hideSecrets } from './security-options.js';
import { Module, type DynamicModule } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { LeaderElection } from './election/leader-election.js';
import { LeaderElections } from './election/leader-elections.js';
import { Partitions } from './partitions/partitions.js';
import { LeaderTasks } from './tasks/leader-tasks.js';
import { checkAsyncOptions, withCheckedOptions } from './async-options.js';
import {
  ConfigurableModuleClass,
  OPTIONS_FACTORY_METHOD,
  type ASYNC_OPTIONS_TYPE,
  type OPTIONS_TYPE,
} from './zookeeper-leader.module-definition.js';
import { ZOOKEEPER_LEADER_OPTIONS } from './zookeeper-leader.constants.js';
import { checkOptionNames } from './zookeeper-leader.options.js';
import {
  LEADER_PROVIDERS,
  withNamedElections,
} from './zookeeper-leader.providers.js';

const MODULE = {
  owner: 'ZookeeperLeaderModule',
  token: ZOOKEEPER_LEADER_OPTIONS,
  method: OPTIONS_FACTORY_METHOD,
  accept: hideSecrets,
};

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
  exports: [LeaderElections, LeaderElection, LeaderTasks, Partitions],
})
export class ZookeeperLeaderModule extends ConfigurableModuleClass {
  /**
   * @throws {TypeError} for a name that is no option; at start for a value that
   * is not valid
   */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    checkOptionNames(options);
    return withNamedElections(
      withCheckedOptions(super.forRoot(options), MODULE),
    );
  }

  /**
   * {@link forRoot} with options that have to be injected or awaited.
   *
   * @throws {TypeError} when there is neither `useFactory`, `useClass` nor
   * `useExisting`; at start for an option that is not valid
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
    checkAsyncOptions(MODULE.owner, options);
    return withNamedElections(
      withCheckedOptions(super.forRootAsync(options), MODULE, options),
    );
  }
}
