import { describe, expect, it } from '@jest/globals';
import type { ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { ZookeeperLeaderDashboardModule } from '../../lib/dashboard/index.js';
import { ZookeeperLeaderHealthIndicator } from '../../lib/health/index.js';
import { ZookeeperLeaderModule } from '../../lib/index.js';
import { ZookeeperLeaderMetricsModule } from '../../lib/metrics/index.js';
import { MemoryLogger } from '../support/memory-logger.js';

async function start(
  makeImport: () => NonNullable<ModuleMetadata['imports']>[number],
): Promise<void> {
  const app = await NestFactory.createApplicationContext(
    {
      module: class Root {},
      imports: [
        ZookeeperLeaderModule.forRoot({ standalone: true }),
        makeImport(),
      ],
    },
    { logger: new MemoryLogger(), abortOnError: false },
  );
  await app.close();
}

const dashboard = (options: unknown) => () =>
  ZookeeperLeaderDashboardModule.forRoot(options as never);
const metrics = (options: unknown) => () =>
  ZookeeperLeaderMetricsModule.forRoot(options as never);
const metricsAsync = (options: unknown) => () =>
  ZookeeperLeaderMetricsModule.forRootAsync({
    useFactory: () => options as never,
  });

describe('refused at start', () => {
  it.each<[string, () => object, RegExp]>([
    [
      'a misspelt option of the dashboard',
      dashboard({ gaurd: class Guard {} }),
      /DashboardModule: there is no option gaurd\. Did you mean guard\?/,
    ],
    [
      'a misspelt option of its actions',
      dashboard({ actions: { gard: false } }),
      /no option actions\.gard\. Did you mean actions\.guard\?/,
    ],
    [
      'actions without a guard',
      dashboard({ actions: true }),
      /option actions true is a boolean\. Expected an object/,
    ],
    [
      'a path of the dashboard that is not one',
      dashboard({ path: 'http://host/x' }),
      /option path 'http:\/\/host\/x' is no path/,
    ],
    [
      'a misspelt option of the metrics',
      metrics({ registery: {} }),
      /MetricsModule: there is no option registery\. Did you mean registry\?/,
    ],
    [
      'a registry that is not one',
      metrics({ registry: {} }),
      /option registry \(an object\) is not a registry of prom-client/,
    ],
    [
      'buckets that do not increase',
      metrics({ taskDurationBuckets: [1, 1] }),
      /option taskDurationBuckets \[ 1, 1 \] is not a list of increasing/,
    ],
    [
      'metrics of a factory that returns nothing',
      metricsAsync(undefined),
      /MetricsModule: the factory of forRootAsync\(\) returned undefined/,
    ],
    [
      'a misspelt option of the metrics from a factory',
      metricsAsync({ buckets: [1] }),
      /there is no option buckets\. The options are registry/,
    ],
  ])('%s', async (_what, makeImport, message) => {
    await expect(start(makeImport as never)).rejects.toThrow(message);
  });

  it('the dashboard without forRoot()', async () => {
    await expect(start(() => ZookeeperLeaderDashboardModule)).rejects.toThrow(
      /ZookeeperLeaderDashboardModule is imported without options\. Write imports: \[ZookeeperLeaderDashboardModule\.forRoot\(\)\]/,
    );
  });
});

it('the metrics without forRoot() have their defaults', async () => {
  await expect(start(() => ZookeeperLeaderMetricsModule)).resolves.toBe(
    undefined,
  );
});

it('a misspelt option of the health check is refused when it is asked', async () => {
  const app = await NestFactory.createApplicationContext(
    {
      module: class Root {},
      imports: [
        ZookeeperLeaderModule.forRoot({ standalone: true }),
        TerminusModule,
      ],
      providers: [ZookeeperLeaderHealthIndicator],
    },
    { logger: new MemoryLogger(), abortOnError: false },
  );
  const indicator = app.get(ZookeeperLeaderHealthIndicator);
  await expect(
    indicator.isHealthy('leader', { maxDisconectedMs: 1 } as never),
  ).rejects.toThrow(
    /no option maxDisconectedMs\. Did you mean maxDisconnectedMs\?/,
  );
  await app.close();
});
