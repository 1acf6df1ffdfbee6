import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { LedgerWitness } from '../../support/ledger-witness.js';
import type { ProcessInstance } from '../../support/process-instance.js';
import { auditRuns } from '../../support/run-audit.js';
import {
  TaskInstances,
  type TaskDescription,
  type ToldRun,
} from '../../support/task-instances.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const INSTANCES = 3;
const BEFORE = 12;
const AFTER = 16;
const INTERVAL_MS = 500;
const names = Array.from({ length: AFTER }, (_, each) => `work[${each}]`);

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

function tasks(partitions: number): TaskDescription[] {
  return [
    {
      task: 'work',
      intervalMs: INTERVAL_MS,
      options: {
        partitions,
        overlap: 'allow',
        ledger: { missedTicks: 'all', historySize: 200 },
      },
      runMs: [50, 200],
    },
  ];
}

it(`runs every tick of every partition once in a rolling deployment with ${AFTER} partitions instead of ${BEFORE}`, async () => {
  const basePath = '/deployment';
  const { connectionString } = server;
  instances = new TaskInstances(
    { connectionString, basePath, drainTimeoutMs: 10_000 },
    tasks(BEFORE),
  );
  witness = await LedgerWitness.start(server.port, basePath, names);
  const old = Array.from({ length: INSTANCES }, () => instances.start());
  await allHaveRun(BEFORE, old);

  for (const each of old) {
    await instances.join({ env: { TASKS: JSON.stringify(tasks(AFTER)) } });
    await each.terminate();
  }
  await allHaveRun(AFTER, instances.running);
  const settledAt = Date.now();
  for (const name of names) {
    await witness.waitForTick(name, settledAt);
  }
  await Promise.all(instances.running.map((each) => each.terminate()));
  await witness.look();

  const { runs } = instances;
  const faults = names.flatMap((name) => {
    const own = runs.filter(({ task }) => task === name);
    const claims = witness.claims(name);
    const audit = auditRuns(claims, own, INTERVAL_MS);
    const { unclaimed, claimedTwice, begunTwice } = audit;
    const { begunUnclaimed, neverEnded } = audit;
    const twice = { claimedTwice, begunTwice };
    const lists = { unclaimed, ...twice, begunUnclaimed, neverEnded };
    const isRight = Object.values(lists).every((list) => list.length === 0);
    return isRight ? [] : [{ name, ...lists, claims }];
  });
  // With the log, where there is something to explain.
  const log = faults.length > 0 && instances.all.map(({ stderr }) => stderr);
  expect({ faults, log }).toEqual({ faults: [], log: false });
  // Nothing of the new number runs before all of the old one has ended.
  const isOld = ({ instance }: ToldRun): boolean => old.includes(instance);
  const ends = runs.filter(isOld).map(({ endedNs = 0n }) => endedNs);
  const begins = runs.filter((run) => !isOld(run)).map((run) => run.beganNs);
  expect(begins.filter((at) => ends.some((end) => end > at))).toEqual([]);
});

/** Waits until each of that many partitions has run on one of them. */
async function allHaveRun(
  count: number,
  on: readonly ProcessInstance[],
): Promise<void> {
  await waitFor(
    () => {
      const ran = instances.runs.filter(({ instance }) =>
        on.includes(instance),
      );
      return new Set(ran.map(({ task }) => task)).size === count;
    },
    { timeoutMs: 30_000, description: `${count} partitions to run` },
  );
}
