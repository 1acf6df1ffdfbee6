// @ts-check
/** From entering to leadership, connected or not. */
import { setTimeout as sleep } from 'node:timers/promises';
import { evaluate } from '../support/processes.mjs';
import { Floor } from '../support/floor.mjs';
import { leadsAt, newInstance, startInstance } from '../support/instances.mjs';
import {
  basePath,
  connect,
  metric,
  number,
  options,
  OWN,
} from '../support/own-context.mjs';
import { OwnClient } from '../support/own-client.mjs';
import { emitTimes } from '../support/samples.mjs';
import { repeat } from './repeat.mjs';

const { createGuardian } = await import(
  new URL(
    '../../dist/esm/guardian/application/create-guardian.js',
    import.meta.url,
  ).href
);

/** Longer than a guardian takes to start. */
const GUARDIAN_STARTS_MS = 500;

/** Connected, the path exists, nobody else: from enter() to the emission. */
export async function acquire() {
  const instance = await startInstance(options);
  const election = instance.find('default', 'bench');
  await besideTheProtocol(instance, () => election);
}

/** Connected, an election that nobody has ever entered. */
export async function acquireNewPath() {
  const instance = await startInstance(options);
  let name = 0;
  await besideTheProtocol(instance, () =>
    instance.find(`new-${name++}`, 'bench'),
  );
}

/**
 * @param {import('../support/instances.mjs').Elections} instance
 * @param {() => import('../support/instances.mjs').Election} electionOf
 */
async function besideTheProtocol(instance, electionOf) {
  const floor = await Floor.open(connect, `${basePath}/floor`);
  const client = await OwnClient.open(connect, `${basePath}/floor`);
  await repeat(number('warm', 200), number('n', 300), {
    own: () => timedEntry(electionOf()),
    client: () => client.acquire(),
    floor: () => floor.acquire(),
  });
  floor.close();
  await client.close();
  await instance.shutDown();
}

/** @param {import('../support/instances.mjs').Election} election */
async function timedEntry(election) {
  const leads = leadsAt(election);
  const from = performance.now();
  election.enter();
  const tookMs = (await leads) - from;
  await election.withdraw();
  return tookMs;
}

/**
 * From nothing to the first leadership: without a guardian, with one that has
 * been started before, and with its start.
 */
export async function connectAndAcquire() {
  const warm = number('warm', 20);
  const n = number('n', 30);
  await timedStarts(metric, n, warm, async () =>
    newInstance({ ...options, guardian: false }),
  );
  await timedStarts(`${metric}_warm`, n, 2, async () => {
    const instance = newInstance(options);
    await sleep(GUARDIAN_STARTS_MS);
    // Awake, as an application that boots, and as between two of the other starts.
    const other = await startInstance({ ...options, guardian: false });
    await other.get().waitForLeadership();
    await other.shutDown();
    return instance;
  });
  await timedStarts(`${metric}_cold`, n, 2);
  /** @type {number[]} */
  const samples = [];
  for (let i = 0; i < n; i++) {
    const from = performance.now();
    const guardian = createGuardian({
      maxStallMs: 60_000,
      onNotice: () => undefined,
    });
    await guardian.start();
    samples.push(performance.now() - from);
    await guardian.stop();
  }
  emitTimes(OWN, 'guardian_start', 1, samples);
}

/**
 * @param {string} label
 * @param {number} n
 * @param {number} warm
 * @param {() => Promise<import('../support/instances.mjs').Elections>} [prepare]
 *   makes the instance before time is taken
 */
async function timedStarts(label, n, warm, prepare) {
  /** @type {number[]} */
  const samples = [];
  for (let i = -warm; i < n; i++) {
    const prepared = await prepare?.();
    const from = performance.now();
    const instance = prepared ?? newInstance(options);
    const leads = leadsAt(instance.get());
    await instance.start();
    samples.push((await leads) - from);
    await instance.shutDown();
  }
  emitTimes(OWN, label, 1, samples.slice(warm), { first_ms: samples[0] });
}

/**
 * A Nest application in a process of its own: its boot, and from the end of its
 * boot to its first leadership.
 */
export async function firstLeadership() {
  const script = `
    import 'reflect-metadata';
    const { NestFactory } = await import('@nestjs/core');
    const { ZookeeperLeaderModule, LeaderElection } =
      await import('./dist/esm/index.js');
    const root = { module: class Root {}, imports: [
      ZookeeperLeaderModule.forRoot(${JSON.stringify({ ...options, sessionTimeoutMs: 10_000 })})] };
    const from = performance.now();
    const app = await NestFactory.createApplicationContext(root, { logger: false });
    const booted = performance.now();
    await app.get(LeaderElection).waitForLeadership();
    console.log(booted - from, performance.now() - booted, from);
    await app.close();
    process.exit(0);`;
  /** @type {number[]} */ const boots = [];
  /** @type {number[]} */ const afterwards = [];
  for (let i = 0; i < number('n', 10); i++) {
    const [bootMs = 0, afterMs = 0] = await evaluate(script);
    boots.push(bootMs);
    afterwards.push(afterMs);
  }
  emitTimes(OWN, 'boot', 1, boots);
  emitTimes(OWN, 'first_leadership', 1, afterwards);
}

/** A read through the client of this library, beside one of the npm client. */
export async function requestRoundTrip() {
  const instance = await startInstance(options);
  const floor = await Floor.open(connect, `${basePath}/floor`);
  const client = await OwnClient.open(connect, `${basePath}/floor`);
  const election = instance.get();
  await election.waitForLeadership();
  await election.withdraw();
  await repeat(number('warm', 300), number('n', 500), {
    own: async () => {
      const from = performance.now();
      await election.participants();
      return performance.now() - from;
    },
    client: () => client.exists(),
    floor: () => floor.exists(),
  });
  floor.close();
  await client.close();
  await instance.shutDown();
}
