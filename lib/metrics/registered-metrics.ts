import { sharedRegistry } from '../shared-registry.js';
import { LeaderMetrics } from './leader-metrics.js';
import type { MetricsRegistry } from './zookeeper-leader-metrics-options.interface.js';

/**
 * The metrics of each registry. A registry refuses a name that it knows, so the
 * second application of a process, or the same one after a hot reload, finds
 * those of the first.
 */
const registered = sharedRegistry(
  'metrics',
  () => new WeakMap<MetricsRegistry, LeaderMetrics>(),
);

/** The metrics in `registry`, which are registered if they are not there. */
export function metricsOf(
  registry: MetricsRegistry,
  taskDurationBuckets?: readonly number[],
): LeaderMetrics {
  const known = registered.get(registry);
  if (known?.isRegistered) {
    return known;
  }
  const metrics = new LeaderMetrics(registry, taskDurationBuckets);
  registered.set(registry, metrics);
  return metrics;
}
