import { afterEach, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { LeaderElections } from '../../../lib/index.js';
import { ZookeeperLeaderMetricsModule } from '../../../lib/metrics/index.js';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';

afterEach(() => closeApplications());

it('elections that are disposed of leave the metrics, and make room for others', async () => {
  const registry = new Registry();
  const app = await startApplication({
    options: { standalone: true },
    imports: [ZookeeperLeaderMetricsModule.forRoot({ registry })],
  });
  const elections = app.get(LeaderElections);
  for (let count = 0; count < 501; count += 1) {
    const { name } = elections.get(`import-${count}`);
    await elections.dispose(name);
  }
  elections.get('import-0');
  const disposed = elections.dispose('import-0');
  elections.get('import-0');
  await disposed;
  const names = (await registry.metrics()).matchAll(/\{election="(.+?)"/g);
  expect(
    [...new Set([...names].map(([, name = '']) => name))].toSorted(),
  ).toEqual(['default', 'import-0']);
});
