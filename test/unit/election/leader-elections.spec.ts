import { expect, it } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LeaderElections } from '../../../lib/election/leader-elections.js';
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
