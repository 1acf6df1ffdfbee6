import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { ProcessInstance } from '../../support/process-instance.js';
import { TaskInstances } from '../../support/task-instances.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

/** `TRIALS=100 npm run jest -- test/e2e/tasks/mid-run-loss` for the long form. */
const TRIALS = Number(process.env.TRIALS ?? 6);
const SESSION_TIMEOUT_MS = 1_000;

let server: ZookeeperServer;
let instances: TaskInstances;
const proxies = new Map<ProcessInstance, TcpProxy>();

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(async () => {
  await instances.close();
  proxies.forEach((proxy) => proxy.close());
});
afterAll(() => server.close());

it(
  `a run is told to stop before another instance begins it, each of ${TRIALS} times that the server expires a session`,
  async () => {
    instances = new TaskInstances(
      { basePath: '/mid-run-loss', sessionTimeoutMs: SESSION_TIMEOUT_MS },
      [
        {
          task: 'endless',
          intervalMs: 200,
          options: { ledger: { interruptedRun: 'rerun' }, overlap: 'skip' },
          runMs: [3_600_000, 3_600_000],
          heedsSignal: true,
        },
      ],
    );
    for (let count = 0; count < 2; count += 1) {
      const proxy = await TcpProxy.start({ targetPort: server.port });
      const { connectionString } = proxy;
      proxies.set(await instances.join({ connectionString }), proxy);
    }

    for (let trial = 1; trial <= TRIALS; trial += 1) {
      const leader = await running();
      const proxy = proxies.get(leader);
      // Nobody is told: the server hears nothing any more, and expires the
      // session; the instance hears nothing, and knows by its lease.
      proxy?.drop();
      await running(leader);
      await proxy?.heal();
      proxy?.cut();
      await waitFor(() => isQueued(leader), { timeoutMs: 20_000 });
    }

    const { runs } = instances;
    expect(new Set(runs.map(({ tick }) => tick)).size).toBe(1);
    expect(runs.map(({ attempt }) => attempt)).toEqual(
      runs.map((_, index) => index + 1),
    );
    const marginsMs = runs.slice(1).map(({ beganNs }, index) => {
      const { abortedNs } = runs[index]!;
      return abortedNs === undefined
        ? -Infinity
        : Number(beganNs - abortedNs) / 1e6;
    });
    // A busy machine may end more of them.
    expect(marginsMs.length).toBeGreaterThanOrEqual(TRIALS);
    expect(marginsMs.filter((marginMs) => marginMs <= 0)).toEqual([]);
    if (process.env.TRIALS !== undefined) {
      const sorted = marginsMs.toSorted((a, b) => a - b);
      process.stdout.write(
        `signal to next start: least ${sorted[0]?.toFixed(1)} ms, median ` +
          `${sorted[Math.floor(sorted.length / 2)]?.toFixed(1)} ms\n`,
      );
    }
  },
  60_000 + TRIALS * 8_000,
);

/** The instance on which the newest run goes on, another one than `former`. */
function running(former?: ProcessInstance): Promise<ProcessInstance> {
  return waitFor(
    () => {
      const { instance, abortedNs } = instances.runs.at(-1) ?? {};
      return instance !== former && abortedNs === undefined && instance;
    },
    { description: 'a run that goes on', timeoutMs: 20_000 },
  );
}

/** Whether an instance that has led waits for its turn again. */
function isQueued({ events }: ProcessInstance): boolean {
  return (
    events.findLastIndex(({ type }) => type === 'following') >
    events.findLastIndex(({ type }) => type === 'lost')
  );
}
