import type { MeterProvider, TracerProvider } from '@opentelemetry/api';

/**
 * Options of {@link ZookeeperLeaderOtelModule.forRoot}.
 *
 * @publicApi
 */
export interface ZookeeperLeaderOtelOptions {
  /** Default: the global one, which the SDK registers at its start. */
  readonly tracerProvider?: TracerProvider;
  /** Default: the global one, which the SDK registers at its start. */
  readonly meterProvider?: MeterProvider;
}
