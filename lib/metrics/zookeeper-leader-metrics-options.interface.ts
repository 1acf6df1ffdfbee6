import type { OpenMetricsContentType, Registry } from 'prom-client';

/**
 * A registry of `prom-client`, of either format.
 *
 * @publicApi
 */
export type MetricsRegistry = Registry | Registry<OpenMetricsContentType>;

/**
 * Options of {@link ZookeeperLeaderMetricsModule.forRoot}.
 *
 * @publicApi
 */
export interface ZookeeperLeaderMetricsOptions {
  /**
   * Where the metrics are registered. Default: the global registry of
   * `prom-client`, which `@willsoto/nestjs-prometheus` serves.
   */
  readonly registry?: MetricsRegistry;
  /**
   * Upper bounds of the buckets of `nestjs_leader_task_duration_seconds`, in
   * seconds. Those of the first application count where several share a registry.
   */
  readonly taskDurationBuckets?: readonly number[];
}
