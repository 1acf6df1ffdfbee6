import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { LedgerWitness } from '../../support/ledger-witness.js';
import { auditRuns } from '../../support/run-audit.js';
import { TaskInstances } from '../../support/task-instances.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const INTERVAL_MS = 200;
const VERSIONS = 2;

const task = {
  task: 'report',
  intervalMs: INTERVAL_MS,
  options: {
    // What is caught up on may delay a run until the next tick, which must not be dropped.
    overlap: 'allow',
    ledger: { missedTicks: 'all', historySize: 200 },
  },
  runMs: [50, 150],
} as const;

let server: ZookeeperServer;
let instances: TaskInstances;
let witness: LedgerWitness;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(async () => {
  await instances.close();
  await witness.close();
});
afterAll(() => server.close());

it('of one version after the other loses no tick, with one hand-over for each', async () => {
  const basePath = '/rolling-deployment';
  instances = new TaskInstances(
    { connectionString: server.connectionString, basePath },
    [task],
  );
  witness = await LedgerWitness.start(server.port, basePath, [task.task]);
  const first = await instances.join();
  let old = [first, await instances.join()];
  await waitFor(async () => (await witness.ledger(task.task))?.past.length, {
    description: 'a first run',
  });
  for (let priority = 1; priority <= VERSIONS; priority += 1) {
    const [leader] = old;
    const next = await instances.join({ priority });
    const current = await instances.waitForLeader(leader);
    expect(current).toBe(next);
    const second = await instances.join({ priority });
    await Promise.all(old.map((each) => each.terminate()));
    old = [next, second];
  }
  await witness.waitForTick(task.task, Date.now() + 1_000);
  // Before the last two end, of which the second may lead for a moment.
  const terms = instances.events.filter(({ type }) => type === 'leading');
  await Promise.all(instances.running.map((each) => each.terminate()));
  await witness.look();

  expect(
    auditRuns(witness.claims(task.task), instances.runs, INTERVAL_MS),
  ).toMatchObject({
    unclaimed: [],
    claimedTwice: [],
    begunTwice: [],
    begunUnclaimed: [],
    killed: 0,
    neverEnded: [],
  });
  expect(terms).toHaveLength(1 + VERSIONS);
}, 90_000);
