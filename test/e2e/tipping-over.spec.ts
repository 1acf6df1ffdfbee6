import {
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
} from '@jest/globals';
import { buildSample } from '../../scripts/support/build-sample.mjs';
import {
  ProcessInstance,
  type ProcessEvent,
} from '../support/process-instance.js';
import { leadershipOf } from '../support/process-leadership.js';
import { waitFor } from '../support/wait-for.js';
import { WireClient } from '../support/wire-client.js';
import { ZookeeperServer } from '../support/zookeeper-server.js';

const SESSION_TIMEOUT_MS = 2_000;

let main: string;
let server: ZookeeperServer;
let started: ProcessInstance[] = [];

beforeAll(async () => {
  main = await buildSample('01-tipping-over');
});

beforeEach(async () => {
  // The sample asks for 10 s; this server grants less.
  server = await ZookeeperServer.start({
    maxSessionTimeoutMs: SESSION_TIMEOUT_MS,
  });
});

afterEach(async () => {
  await ProcessInstance.closeAll();
  await server.close();
  const checker = leadershipOf(started);
  started = [];
  checker.assertNoViolations();
});

function startInstance(env: Record<string, string> = {}): ProcessInstance {
  const instance = new ProcessInstance(main, {
    env: {
      ZOOKEEPER_CONNECTION_STRING: server.connectionString,
      STORY: 'json',
      NO_COLOR: '1',
      ...env,
    },
  });
  started.push(instance);
  return instance;
}

async function startWaiting(count: number): Promise<ProcessInstance[]> {
  const instances = Array.from({ length: count }, () => startInstance());
  await Promise.all(instances.map(isInLine));
  return instances;
}

function isInLine(instance: ProcessInstance): Promise<string> {
  return instance.waitForLine(/leads the election|follows in the election/);
}

function events(instances: ProcessInstance[], type: string): ProcessEvent[] {
  return instances
    .flatMap((instance) => instance.events.filter((one) => one.type === type))
    .toSorted((a, b) =>
      BigInt(a.atNs as string) < BigInt(b.atNs as string) ? -1 : 1,
    );
}

function leaderOf(instances: ProcessInstance[]): Promise<ProcessInstance> {
  return waitFor(
    () =>
      instances.find(
        (instance) =>
          instance.running &&
          instance.events.findLast(({ type }) => /leading|deposed/.test(type))
            ?.type === 'leading',
      ),
    { timeoutMs: 20_000, description: 'an instance that leads' },
  );
}

/** Ends leaders one after the other; milliseconds until the next one led. */
async function handOvers(
  instances: ProcessInstance[],
  end: (leader: ProcessInstance) => void,
): Promise<number[]> {
  const tookMs: number[] = [];
  let remaining = instances;
  while (remaining.length > 1) {
    const leader = await leaderOf(remaining);
    remaining = remaining.filter((instance) => instance !== leader);
    const endedAt = process.hrtime.bigint();
    end(leader);
    const next = await leaderOf(remaining);
    const { atNs } = next.events.find(
      ({ type }) => type === 'leading',
    ) as ProcessEvent;
    tookMs.push(Number(BigInt(atNs as string) - endedAt) / 1e6);
  }
  return tookMs;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[
    Math.floor(values.length / 2)
  ] as number;
}

async function expectNothingLeft(instances: ProcessInstance[]): Promise<void> {
  const inspector = await WireClient.connect({
    port: server.port,
    timeoutMs: 2_000,
  });
  await waitFor(
    async () => {
      const nodes = await inspector.tree('/nestjs-leader');
      return nodes.every(({ path }) => !/-n_\d|instances\/./.test(path));
    },
    { description: 'all znodes of the instances to be gone' },
  );
  await inspector.close();
  await waitFor(() => instances.every((one) => one.survivors().length === 0), {
    description: 'all guardians to be gone',
  });
}

describe('six instances that tip over', () => {
  it('lead one after the other, and every tick runs once', async () => {
    const instances = Array.from({ length: 6 }, () =>
      startInstance({ TIP_OVER_AFTER: '2' }),
    );
    // One guardian for each, also where the first has tipped over by now.
    const guardians = await Promise.all(
      instances.map(async (one) => {
        await isInLine(one);
        return one.survivors();
      }),
    );
    expect(guardians.flat()).toHaveLength(6);
    const exits = await Promise.all(instances.map(({ exited }) => exited));
    expect(exits.map(({ signal }) => signal)).toEqual(Array(6).fill('SIGKILL'));

    const terms = events(instances, 'leading');
    expect(terms).toHaveLength(6);
    expect(events(instances, 'tipping-over')).toHaveLength(6);
    const tokens = terms.map(({ fencingToken }) => fencingToken as number);
    expect(tokens).toEqual([...new Set(tokens)].toSorted((a, b) => a - b));

    const ticks = events(instances, 'tick').map(({ atNs }) =>
      BigInt(atNs as string),
    );
    expect(ticks).toHaveLength(12);
    for (const [index, tick] of ticks.slice(1).entries()) {
      const gapMs = Number(tick - (ticks[index] as bigint)) / 1e6;
      // Ticks are a second apart: less would be one that ran twice, more one
      // that nobody ran.
      expect(gapMs).toBeGreaterThan(500);
      expect(gapMs).toBeLessThan(1_800);
    }
    await expectNothingLeft(instances);
  });
});

describe('the next instance leads', () => {
  it('within 250 ms after kill -9 of the leader', async () => {
    const instances = await startWaiting(6);
    const tookMs = await handOvers(instances, (leader) => void leader.kill());
    report('kill -9', tookMs);
    expect(median(tookMs)).toBeLessThan(250);
    expect(Math.max(...tookMs)).toBeLessThan(SESSION_TIMEOUT_MS);
  });

  it('within 100 ms after SIGTERM to the leader', async () => {
    const instances = await startWaiting(6);
    const tookMs = await handOvers(
      instances,
      (leader) => void leader.terminate(),
    );
    report('SIGTERM', tookMs);
    expect(median(tookMs)).toBeLessThan(100);
  });

  it('within the session timeout and a second after the leader and its guardian were killed', async () => {
    const instances = await startWaiting(3);
    const tookMs = await handOvers(instances, (leader) => {
      const [guardian] = leader.descendants();
      process.kill(guardian as number, 'SIGSTOP');
      void leader.kill();
      process.kill(guardian as number, 'SIGKILL');
    });
    report('both killed', tookMs);
    expect(Math.max(...tookMs)).toBeLessThan(SESSION_TIMEOUT_MS + 1_000);
    // Nothing but the session timeout can have told ZooKeeper.
    expect(Math.min(...tookMs)).toBeGreaterThan(SESSION_TIMEOUT_MS / 3);
  });
});

function report(what: string, tookMs: number[]): void {
  const texts = tookMs.map((ms) => ms.toFixed(1)).join(', ');
  process.stdout.write(`hand-over after ${what}, ms: ${texts}\n`);
}
