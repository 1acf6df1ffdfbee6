import {
  ConfigurableModuleBuilder,
  Module,
  type DynamicModule,
} from '@nestjs/common';
import { register } from 'prom-client';
import { LeaderElections } from '../election/leader-elections.js';
import { LeaderTasks } from '../tasks/leader-tasks.js';
import { MetricsRecorder } from './metrics-recorder.js';
import { metricsOf } from './registered-metrics.js';
import type { ZookeeperLeaderMetricsOptions } from './zookeeper-leader-metrics-options.interface.js';

const METRICS_OPTIONS = Symbol('nestjs-zookeeper-leader:metrics-options');

const { ConfigurableModuleClass, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<ZookeeperLeaderMetricsOptions>({
    optionsInjectionToken: METRICS_OPTIONS,
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createZookeeperLeaderMetricsOptions')
    .build();

/**
 * Counts and measures elections and leader tasks for Prometheus, with
 * `prom-client`. Which metrics there are stands in docs/operations.md; serving
 * them is left to the application or to `@willsoto/nestjs-prometheus`.
 *
 * Several applications of one process may share a registry: what is counted adds
 * up, and lease and last contact are those of the one that was started last.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     PrometheusModule.register(),
 *     ZookeeperLeaderModule.forRoot(),
 *     ZookeeperLeaderMetricsModule.forRoot(),
 *   ],
 * })
 * export class AppModule {}
 * ```
 *
 * @publicApi
 */
@Module({
  providers: [
    {
      provide: MetricsRecorder,
      inject: [METRICS_OPTIONS, LeaderElections, LeaderTasks],
      useFactory: (
        options: ZookeeperLeaderMetricsOptions,
        elections: LeaderElections,
        tasks: LeaderTasks,
      ) =>
        new MetricsRecorder(
          metricsOf(options.registry ?? register, options.taskDurationBuckets),
          elections,
          tasks,
        ),
    },
  ],
})
export class ZookeeperLeaderMetricsModule extends ConfigurableModuleClass {
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return super.forRoot(options);
  }

  /** {@link forRoot} with options that have to be injected or awaited. */
  static override forRootAsync(
    options: typeof ASYNC_OPTIONS_TYPE,
  ): DynamicModule {
    return super.forRootAsync(options);
  }
}
