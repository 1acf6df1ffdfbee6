import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { LedgerWitness } from '../../support/ledger-witness.js';
import type { ProcessInstance } from '../../support/process-instance.js';
import { auditRuns } from '../../support/run-audit.js';
import { TaskInstances } from '../../support/task-instances.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

/** `OWNER_ENDS=100 npm run jest -- test/e2e/partitions/hard` for the long form. */
const OWNER_ENDS = Number(process.env.OWNER_ENDS ?? 8);
const INSTANCES = 3;
const PARTITIONS = 6;
const INTERVAL_MS = 500;
const basePath = '/hard-moves';
const names = Array.from({ length: PARTITIONS }, (_, each) => `work[${each}]`);

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

/** How an owner is lost, in turn. */
const ENDS: readonly ((owner: ProcessInstance) => Promise<unknown>)[] = [
  (owner) => owner.kill(),
  (owner) => owner.pause(),
  (owner) => owner.terminate(),
];

it(
  `claims every tick of every partition once while ${OWNER_ENDS} owners are killed, paused and stopped`,
  async () => {
    instances = new TaskInstances(
      {
        connectionString: server.connectionString,
        basePath,
        sessionTimeoutMs: 2_000,
        maxStallMs: 1_500,
        drainTimeoutMs: 5_000,
      },
      [
        {
          task: 'work',
          intervalMs: INTERVAL_MS,
          options: {
            partitions: PARTITIONS,
            overlap: 'allow',
            ledger: {
              missedTicks: 'all',
              interruptedRun: 'rerun',
              historySize: 200,
            },
          },
          runMs: [50, 200],
        },
      ],
    );
    witness = await LedgerWitness.start(server.port, basePath, names);
    for (let count = 0; count < INSTANCES; count += 1) {
      instances.start();
    }
    await allRun(0n);

    for (let end = 0; end < OWNER_ENDS; end += 1) {
      await delay(Math.random() * INTERVAL_MS);
      const owner = instances.running[0] as ProcessInstance;
      const sinceNs = process.hrtime.bigint();
      await ENDS[end % ENDS.length]?.(owner);
      // All of them, those of the one that was lost too.
      await allRun(sinceNs, owner);
      if (owner.running) {
        owner.resume();
      } else {
        instances.start();
      }
      await waitFor(() => instances.running.length >= INSTANCES);
    }
    const settledAt = Date.now() + 1_000;
    for (const name of names) {
      await witness.waitForTick(name, settledAt);
    }
    await Promise.all(instances.running.map((each) => each.terminate()));
    await witness.look();

    for (const name of names) {
      const runs = instances.runs.filter((run) => run.task === name);
      expect(auditRuns(witness.claims(name), runs, INTERVAL_MS)).toMatchObject({
        unclaimed: [],
        claimedTwice: [],
        begunTwice: [],
        begunUnclaimed: [],
        neverEnded: [],
      });
    }
    const owners = new Set(instances.runs.map(({ instance }) => instance));
    expect(owners.size).toBeGreaterThanOrEqual(INSTANCES);
  },
  60_000 + OWNER_ENDS * 6_000,
);

/**
 * Waits until every partition has run since, and all instances but `lost` share
 * them: their numbers differ by one at most.
 */
async function allRun(sinceNs: bigint, lost?: ProcessInstance): Promise<void> {
  await waitFor(
    () => {
      const owners = new Map(
        instances.runs
          .filter(
            ({ beganNs, instance }) => beganNs > sinceNs && instance !== lost,
          )
          .map(({ task, instance }) => [task, instance]),
      );
      const counts = instances.running
        .filter((instance) => instance !== lost)
        .map(
          (one) => [...owners.values()].filter((each) => each === one).length,
        );
      return (
        owners.size === PARTITIONS &&
        Math.max(...counts) - Math.min(...counts) <= 1
      );
    },
    { timeoutMs: 20_000, description: 'all to run, on all that are left' },
  );
}
