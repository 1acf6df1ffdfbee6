import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { LedgerWitness } from '../../support/ledger-witness.js';
import type {
  ProcessEvent,
  ProcessInstance,
} from '../../support/process-instance.js';
import { auditRuns } from '../../support/run-audit.js';
import { TaskInstances } from '../../support/task-instances.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const LEADER_CHANGES = Number(process.env.LEADER_CHANGES ?? 12);
/** The fastest first. */
const SHIFTS_MS = [3_000, 0, -3_000] as const;
const SHIFTED_CLOCK = new URL(
  '../../support/shifted-clock.mjs',
  import.meta.url,
).href;

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

/** By how much the wall clock of an instance is ahead of this one's. */
function shiftOf({ events }: ProcessInstance): number {
  const event = events.find(isStart);
  const atMs = Number(BigInt(String(event?.atNs)) / 1_000_000n);
  const nowMs = Number(process.hrtime.bigint() / 1_000_000n);
  return Date.parse(String(event?.at)) - Date.now() + (nowMs - atMs);
}

function isStart({ type }: ProcessEvent): boolean {
  return type === 'task started';
}

it(
  'instances whose clocks are seconds apart run no tick twice',
  async () => {
    const policies = ['skip', 'latest', 'all'] as const;
    const basePath = '/clocks-apart';
    instances = new TaskInstances(
      {
        connectionString: server.connectionString,
        basePath,
        sessionTimeoutMs: 2_000,
      },
      policies.map((missedTicks) => ({
        task: missedTicks,
        cron: '* * * * * *',
        options: { ledger: { missedTicks, historySize: 200 } },
      })),
    );
    witness = await LedgerWitness.start(server.port, basePath, policies);
    const start = (shiftMs: number): Promise<ProcessInstance> =>
      instances.join({
        execArgv: ['--import', SHIFTED_CLOCK],
        env: { CLOCK_SHIFT_MS: String(shiftMs) },
      });
    const shifts = new Map<ProcessInstance, number>();
    for (const shiftMs of SHIFTS_MS) {
      shifts.set(await start(shiftMs), shiftMs);
    }

    for (let change = 0; change < LEADER_CHANGES; change += 1) {
      const leader = await instances.waitForLeader();
      await delay(Math.random() * 1_500);
      if (Math.random() < 0.5) {
        leader.send({ do: 'resign' });
      } else {
        await leader.kill();
        const shiftMs = shifts.get(leader) ?? 0;
        shifts.set(await start(shiftMs), shiftMs);
      }
      await instances.waitForLeader(leader);
    }
    // The slowest last: it has nothing to do before its clock has passed the
    // ticks that the others have claimed.
    for (const wanted of SHIFTS_MS) {
      let leader = await instances.waitForLeader();
      while (shifts.get(leader) !== wanted) {
        leader.send({ do: 'resign' });
        leader = await instances.waitForLeader(leader);
      }
      await waitFor(() => leader.events.some(isStart), { timeoutMs: 20_000 });
    }
    await Promise.all(instances.running.map((each) => each.terminate()));
    await witness.look();

    const told = instances.runs;
    for (const task of policies) {
      const runs = told.filter((run) => run.task === task);
      expect(new Set(runs.map(({ tick }) => tick)).size).toBe(runs.length);
      expect(runs.length).toBeGreaterThan(0);
    }
    const all = told.filter(({ task }) => task === 'all');
    expect(auditRuns(witness.claims('all'), all, 1_000).unclaimed).toEqual([]);
    const ran = [...shifts].filter(([{ events }]) => events.some(isStart));
    expect(new Set(ran.map(([, shiftMs]) => shiftMs))).toEqual(
      new Set(SHIFTS_MS),
    );
    for (const [instance, shiftMs] of ran) {
      expect(Math.abs(shiftOf(instance) - shiftMs)).toBeLessThan(500);
    }
  },
  60_000 + LEADER_CHANGES * 6_000,
);
