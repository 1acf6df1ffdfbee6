import {
  ConfigurableModuleBuilder,
  Module,
  type DynamicModule,
} from '@nestjs/common';
import { checkAsyncOptions, withCheckedOptions } from '../async-options.js';
import { LeaderElections } from '../election/leader-elections.js';
import { Partitions } from '../partitions/partitions.js';
import { LeaderTasks } from '../tasks/leader-tasks.js';
import { OptionChecks, type OptionTable } from '../validate.js';
import { OtelRecorder } from './otel-recorder.js';
import type { ZookeeperLeaderOtelOptions } from './zookeeper-leader-otel-options.interface.js';

const OTEL_OPTIONS = Symbol('nestjs-zookeeper-leader:otel-options');

const MODULE = {
  owner: 'ZookeeperLeaderOtelModule',
  token: OTEL_OPTIONS,
  method: 'createZookeeperLeaderOtelOptions',
  accept: checkOptions,
};
const checks = new OptionChecks(MODULE.owner);

/** Every option: a new one is a line here. */
const OPTIONS: OptionTable<ZookeeperLeaderOtelOptions> = {
  tracerProvider: true,
  meterProvider: true,
};

const { ConfigurableModuleClass, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<ZookeeperLeaderOtelOptions>({
    optionsInjectionToken: OTEL_OPTIONS,
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName(MODULE.method)
    .build();

/**
 * Tells OpenTelemetry of terms and of runs of leader tasks: a span for each, and
 * metrics. The method of a task is called in the context of its span: what it
 * does, an HTTP request for example, becomes part of the same trace. Which spans
 * and metrics there are stands in docs/operations.md.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     ZookeeperLeaderModule.forRoot(),
 *     ZookeeperLeaderOtelModule.forRoot(),
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
      provide: OtelRecorder,
      inject: [
        { token: OTEL_OPTIONS, optional: true },
        LeaderElections,
        Partitions,
        LeaderTasks,
      ],
      useFactory: (
        options: ZookeeperLeaderOtelOptions = {},
        elections: LeaderElections,
        partitions: Partitions,
        tasks: LeaderTasks,
      ) => new OtelRecorder(options, elections, partitions, tasks),
    },
  ],
})
export class ZookeeperLeaderOtelModule extends ConfigurableModuleClass {
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
  options: ZookeeperLeaderOtelOptions,
): ZookeeperLeaderOtelOptions {
  const { tracerProvider, meterProvider } = checks.object(options, OPTIONS);
  checkProvider('tracerProvider', tracerProvider, 'getTracer');
  checkProvider('meterProvider', meterProvider, 'getMeter');
  return options;
}

function checkProvider(option: string, value: unknown, method: string): void {
  const found = (value as Record<string, unknown> | null | undefined)?.[method];
  if (value !== undefined && typeof found !== 'function') {
    throw checks.error(
      option,
      value,
      `has no method ${method}()`,
      'a provider of an OpenTelemetry SDK',
    );
  }
}
