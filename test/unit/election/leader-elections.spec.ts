import { expect, it } from '@jest/globals';
import { EMPTY } from 'rxjs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { StandaloneCluster } from '../../../lib/dashboard/standalone-cluster.js';
import { LeaderElections } from '../../../lib/election/leader-elections.js';
import type { Partitions } from '../../../lib/partitions/partitions.js';
import type { LeaderTasks } from '../../../lib/tasks/leader-tasks.js';
import { resolveOptions } from '../../../lib/zookeeper-leader.options.js';

async function start(): Promise<LeaderElections> {
  const options = resolveOptions({ standalone: true });
  const identity = { instanceId: 'a', host: 'test', pid: 1 };
  const elections = new LeaderElections(options, identity, 'test');
  await elections.start();
  return elections;
}

it('an application that closes waits for what runs in an election that is being disposed of', async () => {
  const elections = await start();
  let end = (): void => undefined;
  const run = new Promise<void>((resolve) => (end = resolve));
  elections.addDrain((election) =>
    election === 'jobs' ? run : Promise.resolve(),
  );
  elections.get('jobs');
  const disposed = elections.dispose('jobs');
  let isClosed = false;
  const closed = elections.shutDown().then(() => (isClosed = true));
  await nextTurn();
  await nextTurn();
  expect(isClosed).toBe(false);
  end();
  await Promise.all([disposed, closed]);
});

it('an election that takes the place of one that is being disposed of stays listed', async () => {
  const elections = await start();
  const cluster = new StandaloneCluster(
    elections,
    { all: [] } as unknown as Partitions,
    { events$: EMPTY } as unknown as LeaderTasks,
  );
  elections.get('jobs');
  const disposed = elections.dispose('jobs');
  elections.get('jobs');
  await disposed;
  const listed = cluster.view().elections.map(({ election }) => election);
  expect(listed).toEqual(['default', 'jobs']);
  await elections.shutDown();
});
