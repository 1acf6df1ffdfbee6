import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { LedgerWitness } from '../../support/ledger-witness.js';
import type { ProcessInstance } from '../../support/process-instance.js';
import { auditRuns, type RunAudit } from '../../support/run-audit.js';
import { TaskInstances } from '../../support/task-instances.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

/** `LEADER_CHANGES=200 npm run jest -- test/e2e/tasks/failover` for the long form. */
const LEADER_CHANGES = Number(process.env.LEADER_CHANGES ?? 20);
const INSTANCES = 3;
const INTERVAL_MS = 250;
const LONGEST_TERM_MS = 700;
const SESSION_TIMEOUT_MS = 2_000;

const ledger = { missedTicks: 'all', historySize: 200 } as const;
const runMs = [50, 200] as const;
const tasks = [
  {
    task: 'at most once',
    intervalMs: INTERVAL_MS,
    options: {
      ledger: { ...ledger, interruptedRun: 'skip' },
      overlap: 'allow',
    },
    runMs,
  },
  {
    task: 'at least once',
    intervalMs: INTERVAL_MS,
    options: {
      ledger: { ...ledger, interruptedRun: 'rerun' },
      overlap: 'allow',
    },
    runMs,
  },
  {
    task: 'at least once, by cron',
    cron: '* * * * * *',
    options: {
      ledger: { ...ledger, interruptedRun: 'rerun' },
      overlap: 'allow',
    },
    runMs: [0, 500],
  },
] as const;

/** How a leader is lost, and how often. */
const ENDS: readonly [
  share: number,
  (leader: ProcessInstance) => Promise<unknown>,
][] = [
  [0.7, (leader) => leader.kill()],
  [0.1, (leader) => leader.terminate()],
  [0.1, killWithGuardian],
  [0.1, (leader) => leader.pause()],
];

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

async function killWithGuardian(leader: ProcessInstance): Promise<void> {
  for (const pid of leader.descendants()) {
    process.kill(pid, 'SIGKILL');
  }
  await leader.kill();
}

function drawEnd(): (leader: ProcessInstance) => Promise<unknown> {
  let draw = Math.random();
  return (ENDS.find(([share]) => (draw -= share) < 0) ?? ENDS[0]!)[1];
}

/** Whether an instance has died while it ran the task. */
function wasKilled(task: string): boolean {
  return instances.runs.some(
    (run) =>
      run.task === task && !run.instance.running && run.endedNs === undefined,
  );
}

it(
  `claims every tick once through ${LEADER_CHANGES} leader changes, and reruns what was killed as it was told to`,
  async () => {
    const basePath = '/failover';
    instances = new TaskInstances(
      {
        connectionString: server.connectionString,
        basePath,
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
        maxStallMs: 1_500,
        drainTimeoutMs: 5_000,
      },
      tasks,
    );
    const names = tasks.map(({ task }) => task);
    witness = await LedgerWitness.start(server.port, basePath, names);
    for (let count = 0; count < INSTANCES; count += 1) {
      await instances.join();
    }
    let leader = await instances.waitForLeader();
    for (const name of names) {
      await waitFor(async () => (await witness.ledger(name))?.past.length, {
        description: `a first run of ${name}`,
      });
    }

    // Until each task has lost a run, too, or the test would mean little.
    for (
      let change = 0;
      change < LEADER_CHANGES || !names.every(wasKilled);
      change += 1
    ) {
      await delay(Math.random() * LONGEST_TERM_MS);
      await drawEnd()(leader);
      const former = leader;
      leader = await instances.waitForLeader(former);
      if (former.running) {
        former.resume();
      } else {
        instances.start();
      }
      await waitFor(() => instances.running.length >= INSTANCES);
      const behind = instances.running.filter((each) => each !== leader);
      await Promise.any(behind.map((each) => instances.joined(each)));
    }
    const settledAt = Date.now() + 1_000;
    for (const name of names) {
      await witness.waitForTick(name, settledAt);
    }
    await Promise.all(instances.running.map((each) => each.terminate()));
    await witness.look();

    const told = instances.runs;
    const audits = tasks.map(({ task, ...when }) => {
      const runs = told.filter((run) => run.task === task);
      const stepMs = 'intervalMs' in when ? when.intervalMs : 1_000;
      return auditRuns(witness.claims(task), runs, stepMs);
    });
    if (process.env.LEADER_CHANGES !== undefined) {
      process.stdout.write(`${JSON.stringify(audits, undefined, 2)}\n`);
    }
    for (const audit of audits) {
      expect(audit).toMatchObject({
        unclaimed: [],
        claimedTwice: [],
        begunTwice: [],
        begunUnclaimed: [],
      });
      expect(audit.killed).toBeGreaterThan(0);
    }
    const [atMostOnce, ...atLeastOnce] = audits as [RunAudit, ...RunAudit[]];
    expect(atMostOnce.rerun).toBe(0);
    for (const audit of atLeastOnce) {
      expect(audit.neverEnded).toEqual([]);
      expect(audit.rerun).toBe(audit.interrupted);
      expect(audit.rerun).toBeGreaterThanOrEqual(audit.killed);
    }
    const terms = instances.events.filter(({ type }) => type === 'leading');
    expect(terms.length).toBeGreaterThan(LEADER_CHANGES);
  },
  60_000 + LEADER_CHANGES * 5_000,
);
