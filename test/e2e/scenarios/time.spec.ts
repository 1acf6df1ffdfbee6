import { fileURLToPath } from 'node:url';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import {
  ProcessInstance,
  type ProcessEvent,
} from '../../support/process-instance.js';
import { leadershipOf } from '../../support/process-leadership.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient } from '../../support/wire-client.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const MAIN = fileURLToPath(
  new URL('../../support/instance.main.mjs', import.meta.url),
);
const SESSION_TIMEOUT_MS = 2_000;

let server: ZookeeperServer;
let testNumber = 0;
let basePath: string;
let instances: ProcessInstance[] = [];

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(async () => {
  await ProcessInstance.closeAll();
  const checker = leadershipOf(instances);
  instances = [];
  checker.assertNoViolations();
});
afterAll(() => server.close());

/** Starts instances that join one after the other; the first one leads. */
async function start(
  names: string[],
  options: Record<string, unknown> = {},
): Promise<ProcessInstance[]> {
  testNumber += 1;
  basePath = `/time-${testNumber}`;
  for (const instanceId of names) {
    const instance = new ProcessInstance(MAIN, {
      env: {
        OPTIONS: JSON.stringify({
          connectionString: server.connectionString,
          basePath,
          sessionTimeoutMs: SESSION_TIMEOUT_MS,
          instanceId,
          ...options,
        }),
      },
    });
    instances.push(instance);
    await waitFor(async () => (await nodes()).length === instances.length, {
      description: `${instanceId} to have joined`,
    });
  }
  await instances[0]?.waitForEvent('leading');
  return instances;
}

async function nodes(): Promise<string[]> {
  const client = await WireClient.connect({
    port: server.port,
    timeoutMs: 4_000,
  });
  const path = `${basePath}/elections/default`;
  const names = (await client.exists(path))
    ? await client.getChildren(path)
    : [];
  await client.close();
  return names;
}

function of(
  instance: ProcessInstance | undefined,
  type: string,
): ProcessEvent[] {
  return instance?.events.filter((event) => event.type === type) ?? [];
}

function guardianOf(instance: ProcessInstance | undefined): number {
  return instance?.descendants()[0] as number;
}

describe('time', () => {
  it('application and guardian paused for twice the session timeout: not leading in the first turn', async () => {
    const [a, b] = await start(['A', 'B']);
    const guardian = guardianOf(a);
    process.kill(guardian, 'SIGSTOP');
    await a?.pause();
    const pausedAt = process.hrtime.bigint();
    await b?.waitForEvent('leading', () => true, { timeoutMs: 15_000 });
    await waitFor(
      () =>
        process.hrtime.bigint() - pausedAt >
        BigInt(2 * SESSION_TIMEOUT_MS) * 1_000_000n,
      { description: 'twice the session timeout' },
    );
    a?.resume();
    process.kill(guardian, 'SIGCONT');
    const first = await a?.waitForEvent('after a pause');
    expect(first).toMatchObject({ isLeader: false });
    const task = await a?.waitForEvent('task');
    expect(task).toMatchObject({ isLeader: false });
    await a?.waitForEvent('lost');
    await waitFor(async () => (await nodes()).length === 2, {
      description: 'A to queue again',
    });
    expect(of(a, 'leading')).toHaveLength(1);
  });

  it('the event loop blocked for three times the session timeout: the session lives, and the next task runs', async () => {
    const [a, b] = await start(['A', 'B']);
    const before = await nodes();
    a?.send({ blockMs: 3 * SESSION_TIMEOUT_MS });
    const first = await a?.waitForEvent('after a pause', () => true, {
      timeoutMs: 15_000,
    });
    expect(first).toMatchObject({
      isLeader: false,
      isHealthy: false,
      role: 'leader',
    });
    expect(await a?.waitForEvent('task')).toMatchObject({
      isLeader: true,
      isHealthy: true,
    });
    expect(of(b, 'leading')).toHaveLength(0);
    expect(of(a, 'lost')).toHaveLength(0);
    expect(await nodes()).toEqual(before);
  });

  it('only the application paused for longer than maxStallMs: its session ends', async () => {
    const [a, b] = await start(['A', 'B'], {
      maxStallMs: 2 * SESSION_TIMEOUT_MS,
    });
    await a?.pause();
    await b?.waitForEvent('leading', () => true, { timeoutMs: 20_000 });
    a?.resume();
    await a?.waitForEvent('lost');
    await waitFor(async () => (await nodes()).length === 2, {
      description: 'A to queue again',
    });
    expect(of(a, 'leading')).toHaveLength(1);
  });

  it.each([
    ['too short for a connection', 0],
    ['enough for a heartbeat', 15],
  ])(
    'the event loop blocked over and over, with moments in between that are %s: somebody leads',
    async (_what, awakeMs) => {
      const [a, b] = await start(['A', 'B'], {
        maxStallMs: 2 * SESSION_TIMEOUT_MS,
      });
      a?.send({ blockMs: 0.9 * SESSION_TIMEOUT_MS, awakeMs });
      await waitFor(
        () =>
          of(b, 'leading').length > 0 ||
          of(a, 'task').some(({ isLeader }) => isLeader),
        { timeoutMs: 40_000, description: 'one of them to lead' },
      );
    },
  );

  it('a stall of more than the session timeout does not end the term, also with step-down', async () => {
    const [a, b] = await start(['A', 'B'], {
      connectionLossPolicy: 'step-down',
    });
    const before = await nodes();
    a?.send({ blockMs: 2 * SESSION_TIMEOUT_MS });
    await a?.waitForEvent('after a pause', () => true, { timeoutMs: 15_000 });
    expect(await a?.waitForEvent('task')).toMatchObject({ isLeader: true });
    expect(of(a, 'lost')).toHaveLength(0);
    expect(of(b, 'leading')).toHaveLength(0);
    expect(await nodes()).toEqual(before);
  });

  it('the guardian killed while leading: leadership goes on, and another one comes', async () => {
    const [a, b] = await start(['A', 'B']);
    const before = await nodes();
    for (let round = 0; round < 3; round += 1) {
      const killed = guardianOf(a);
      process.kill(killed, 'SIGKILL');
      await waitFor(() => ![undefined, killed].includes(guardianOf(a)), {
        description: 'another guardian',
      });
      await a?.waitForLine(/A guardian works again/);
      a?.lines.splice(0);
    }
    expect(await nodes()).toEqual(before);
    expect(of(a, 'lost')).toHaveLength(0);
    expect(of(b, 'leading')).toHaveLength(0);
  });

  // CURATOR-696
  it('a restarted instance does not lead on the node that its killed session has left', async () => {
    // Long enough for the second process to be there before it is over.
    const sessionTimeoutMs = 12_000;
    const [a] = await start(['A'], { sessionTimeoutMs });
    const [left] = await nodes();
    const guardian = guardianOf(a);
    process.kill(guardian, 'SIGSTOP');
    await a?.kill();
    process.kill(guardian, 'SIGKILL');
    const again = new ProcessInstance(MAIN, {
      env: {
        OPTIONS: JSON.stringify({
          connectionString: server.connectionString,
          basePath,
          sessionTimeoutMs,
          instanceId: 'A',
        }),
      },
    });
    instances.push(again);
    await again.waitForEvent('following');
    expect(await nodes()).toContain(left);
    expect(of(again, 'leading')).toHaveLength(0);
    await again.waitForEvent('leading');
    expect(await nodes()).not.toContain(left);
  });

  it('the guardian paused: it is replaced, and leadership goes on', async () => {
    const [a, b] = await start(['A', 'B'], { sessionTimeoutMs: 3_000 });
    const paused = guardianOf(a);
    process.kill(paused, 'SIGSTOP');
    await waitFor(() => ![undefined, paused].includes(guardianOf(a)), {
      timeoutMs: 20_000,
      description: 'another guardian',
    });
    expect(of(a, 'lost')).toHaveLength(0);
    expect(of(b, 'leading')).toHaveLength(0);
  });
});
