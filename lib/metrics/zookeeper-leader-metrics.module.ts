import {
  ConfigurableModuleBuilder,
  Module,
  type DynamicModule,
} from '@nestjs/common';
import { register } from 'prom-client';
import { LeaderElections } from '../election/leader-elections.js';
import { Partitions } from '../partitions/partitions.js';
import { LeaderTasks } from '../tasks/leader-tasks.js';
import { checkAsyncOptions, withCheckedOptions } from '../async-options.js';
import { OptionChecks, type OptionTable } from '../validate.js';
import { MetricsRecorder } from './metrics-recorder.js';
import { metricsOf } from './registered-metrics.js';
import type { ZookeeperLeaderMetricsOptions } from './zookeeper-leader-metrics-options.interface.js';

const METRICS_OPTIONS = Symbol('nestjs-zookeeper-leader:metrics-options');

const MODULE = {
  owner: 'ZookeeperLeaderMetricsModule',
  token: METRICS_OPTIONS,
  method: 'createZookeeperLeaderMetricsOptions',
  accept: checkOptions,
};
const checks = new OptionChecks(MODULE.owner);

/** Every option of the metrics: a new one is a line here. */
const OPTIONS: OptionTable<ZookeeperLeaderMetricsOptions> = {
  registry: true,
  taskDurationBuckets: true,
};

const { ConfigurableModuleClass, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<ZookeeperLeaderMetricsOptions>({
    optionsInjectionToken: METRICS_OPTIONS,
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName(MODULE.method)
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
      inject: [
        { token: METRICS_OPTIONS, optional: true },
        LeaderElections,
        Partitions,
        LeaderTasks,
      ],
      useFactory: (
        options: ZookeeperLeaderMetricsOptions = {},
        elections: LeaderElections,
        partitions: Partitions,
        tasks: LeaderTasks,
      ) =>
        new MetricsRecorder(
          metricsOf(options.registry ?? register, options.taskDurationBuckets),
          elections,
          partitions,
          tasks,
        ),
    },
  ],
})
export class ZookeeperLeaderMetricsModule extends ConfigurableModuleClass {
  /**
   * @throws {TypeError} for an option that is not valid
   */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return withCheckedOptions(super.forRoot(options), MODULE);
  }

  /**
   * {@link forRoot} with options that have to be injected or awaited.
   *
   * @throws {TypeError} at start for an option that is not valid
   */
  static override forRootAsync(
    options: typeof ASYNC_OPTIONS_TYPE,
  ): DynamicModule {
    checkAsyncOptions(MODULE.owner, options);
    return withCheckedOptions(super.forRootAsync(options), MODULE, options);
  }
}

function checkOptions(
  options: ZookeeperLeaderMetricsOptions,
): ZookeeperLeaderMetricsOptions {
  const { registry, taskDurationBuckets } = checks.object(options, OPTIONS);
  const isRegistry =
    typeof (registry as { registerMetric?: unknown } | null | undefined)
      ?.registerMetric === 'function';
  if (registry !== undefined && !isRegistry) {
    throw checks.error(
      'registry',
      registry,
      'is not a registry of prom-client',
      'new Registry()',
    );
  }
  if (taskDurationBuckets !== undefined && !areBounds(taskDurationBuckets)) {
    throw checks.error(
      'taskDurationBuckets',
      taskDurationBuckets,
      'is not a list of increasing numbers of seconds',
      'one such as [0.1, 1, 10]',
    );
  }
  return options;
}

function areBounds(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    (value as unknown[]).every(
      (bound, index) =>
        typeof bound === 'number' &&
        bound > ((value as number[])[index - 1] ?? -Infinity),
    )
  );
}
