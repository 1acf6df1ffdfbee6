// @ts-check
/**
 * This library: `node bench/own.mjs CONNECT METRIC [key=value ...]`.
 *
 * Prints a JSON line for each figure. What the protocol itself costs is taken
 * in the same loop: both have seen the same machine.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { fourLetterWord } from '../scripts/zookeeper/four-letter-word.mjs';
import { Floor } from './support/floor.mjs';
import {
  leadsAt,
  newInstance,
  startInstance,
  until,
} from './support/instances.mjs';
import {
  emitTimes,
  emitValue,
  IDLE_MS,
  median,
  parseParameters,
} from './support/samples.mjs';

const [connect = '', metric = '', ...parameters] = process.argv.slice(2);
const { number, numbers } = parseParameters(parameters);
const OWN = 'own';
const FLOOR = 'floor-npm';
/** Of this process alone: programs run one after the other on one server. */
const basePath = `/bench-own-${process.pid}`;
const options = { connectionString: connect, basePath };

/** @typedef {import('./support/instances.mjs').Elections} Elections */
/** @typedef {import('./support/instances.mjs').Election} Election */

/** @type {Record<string, () => Promise<void>>} */
const metrics = {
  acquire,
  acquire_new_path: acquireNewPath,
  connect_acquire: connectAndAcquire,
  request: requestRoundTrip,
  handover: () => forEach(numbers('k', [2, 10]), handOver),
  handover_requests: () =>
    forEach(numbers('k', [2, 10, 100]), handOverRequests),
  crash_failover: () => crashFailover('application'),
  crash_failover_both: () => crashFailover('both'),
  many,
  idle,
  event_loop: eventLoopDelay,
  footprint,
};

/** Connected, the path exists, nobody else: from enter() to the emission. */
async function acquire() {
  const instance = await startInstance(options);
  const floor = await Floor.open(connect, `${basePath}/floor`);
  const election = instance.find('default', 'bench');
  await repeat(number('warm', 200), number('n', 300), {
    own: async () => {
      const leads = leadsAt(election);
      const from = performance.now();
      election.enter();
      const tookMs = (await leads) - from;
      await election.withdraw();
      return tookMs;
    },
    floor: () => floor.acquire(),
  });
  floor.close();
  await instance.shutDown();
}

/** Connected, an election that nobody has ever entered. */
async function acquireNewPath() {
  const instance = await startInstance(options);
  const floor = await Floor.open(connect, `${basePath}/floor`);
  let name = 0;
  await repeat(number('warm', 100), number('n', 200), {
    own: async () => {
      const election = instance.find(`new-${name++}`, 'bench');
      const leads = leadsAt(election);
      const from = performance.now();
      election.enter();
      const tookMs = (await leads) - from;
      await election.withdraw();
      return tookMs;
    },
    floor: () => floor.acquire(),
  });
  floor.close();
  await instance.shutDown();
}

/** From nothing, with the start of the guardian, to the first leadership. */
async function connectAndAcquire() {
  /** @type {number[]} */
  const samples = [];
  for (let i = -5; i < number('n', 50); i++) {
    const from = performance.now();
    const instance = newInstance(options);
    const leads = leadsAt(instance.get());
    await instance.start();
    samples.push((await leads) - from);
    await instance.shutDown();
  }
  const [firstMs] = samples;
  emitTimes(OWN, metric, 1, samples.slice(5), { first_ms: firstMs });
}

/** A read through the client of this library, beside one of the npm client. */
async function requestRoundTrip() {
  const instance = await startInstance(options);
  const floor = await Floor.open(connect, `${basePath}/floor`);
  const election = instance.get();
  await election.waitForLeadership();
  await election.withdraw();
  await repeat(number('warm', 300), number('n', 500), {
    own: async () => {
      const from = performance.now();
      await election.participants();
      return performance.now() - from;
    },
    floor: () => floor.exists(),
  });
  floor.close();
  await instance.shutDown();
}

/** From resign() at the leader to the emission at the next. */
async function handOver(/** @type {number} */ k) {
  const queue = await joinInOrder(k);
  const a = await Floor.open(connect, `${basePath}/floor`);
  const b = await Floor.open(connect, `${basePath}/floor`);
  await a.addBystanders(k - 2);
  await repeat(
    number('warm', 50),
    number('n', 100),
    {
      own: async () => {
        await sleep(IDLE_MS);
        const [leader, next] = queue;
        const leads = leadsAt(/** @type {Election} */ (next));
        const from = performance.now();
        void leader?.resign();
        const tookMs = (await leads) - from;
        await backInQueue(queue);
        return tookMs;
      },
      floor: () => a.handOver(b),
    },
    k,
  );
  a.close();
  b.close();
}

/** From here on the others in the queue are nodes of one session. */
const MOST_INSTANCES = 100;

/** What goes over the network for a hand-over and the coming back. */
async function handOverRequests(/** @type {number} */ k) {
  if (k > MOST_INSTANCES) {
    await handOverRequestsBefore(k - 2);
    return;
  }
  const queue = await joinInOrder(k);
  /** @type {Traffic[]} */
  const samples = [];
  for (let i = 0; i < number('n', 40); i++) {
    await sleep(30);
    const sample = await trafficOf(async () => {
      const [leader, next] = queue;
      const leads = leadsAt(/** @type {Election} */ (next));
      void leader?.resign();
      await leads;
      queue.push(/** @type {Election} */ (queue.shift()));
      await sleep(60);
    });
    samples.push(sample);
  }
  emitHandOverTraffic(k, samples);
}

/** The same for a leader and an heir with `others` nodes behind them. */
async function handOverRequestsBefore(/** @type {number} */ others) {
  const directory = `${basePath}-${others}`;
  const start = () => startInstance({ ...options, basePath: directory });
  const instances = [await start(), await start()];
  /** @type {Traffic[]} */
  const samples = [];
  for (let i = 0; i < number('n', 5); i++) {
    const name = `requests-${i}`;
    const leader = instances[0]?.get(name);
    await leader?.waitForLeadership();
    const heir = instances[1]?.get(name);
    await until(() => heir?.leadership.role === 'follower');
    const path = `${directory}/elections/${name}`;
    const floor = await Floor.open(connect, path);
    await floor.addBystanders(others, `${randomUUID()}-n_`);
    await sleep(200);
    const sample = await trafficOf(async () => {
      const leads = leadsAt(/** @type {Election} */ (heir));
      void leader?.resign();
      await leads;
      await sleep(100);
    });
    samples.push(sample);
    floor.close();
    await Promise.all([leader?.withdraw(), heir?.withdraw()]);
  }
  emitHandOverTraffic(others + 2, samples);
  await Promise.all(instances.map((each) => each.shutDown()));
}

/** kill -9 of the leading application, or of its guardian as well. */
async function crashFailover(/** @type {'application' | 'both'} */ who) {
  const sessionTimeoutMs = number('timeout', 2_000);
  const waiting = await startInstance({ ...options, sessionTimeoutMs });
  const election = waiting.find('default', 'bench');
  /** @type {number[]} */
  const samples = [];
  for (let i = 0; i < number('n', 5); i++) {
    const child = await leadingChild(sessionTimeoutMs);
    election.enter();
    await until(() => election.leadership.role === 'follower');
    // Any phase of the heartbeats.
    await sleep(500 + Math.random() * sessionTimeoutMs);
    const leads = leadsAt(election);
    const keepers = who === 'both' ? childrenOf(child.pid) : [];
    const from = performance.now();
    for (const pid of [child.pid, ...keepers]) {
      process.kill(pid, 'SIGKILL');
    }
    samples.push((await leads) - from);
    await election.withdraw();
  }
  emitTimes(OWN, metric, 2, samples, {
    session_ms: sessionTimeoutMs,
    all_ms: samples.map((each) => each.toFixed(0)).join(' '),
  });
  await waiting.shutDown();
}

/** Elections of one process, on paths that are there and on such that are not. */
async function many() {
  const count = number('m', 1_000);
  const floor = await Floor.open(connect, `${basePath}/floor`);
  const floorMs = [];
  for (let i = 0; i < 5; i++) {
    floorMs.push(await floor.many(count));
  }
  emitTimes(FLOOR, 'many', count, floorMs.slice(2));
  floor.close();
  for (let i = -1; i < number('n', 3); i++) {
    for (const label of ['many_new_path', 'many']) {
      await manyOnce(count, label, `many-${i}`, i >= 0);
    }
  }
}

async function manyOnce(
  /** @type {number} */ count,
  /** @type {string} */ label,
  /** @type {string} */ prefix,
  /** @type {boolean} */ isCounted,
) {
  const instance = await startInstance(options);
  await instance.get('warm-up').waitForLeadership();
  const heapBefore = heapUsed();
  let tookMs = 0;
  const { received } = await trafficOf(async () => {
    const from = performance.now();
    const elections = Array.from({ length: count }, (_, i) =>
      instance.find(`${prefix}-${i}`, 'bench'),
    );
    const all = elections.map(leadsAt);
    for (const election of elections) {
      election.enter();
    }
    tookMs = Math.max(...(await Promise.all(all))) - from;
    await sleep(300);
  });
  const heapKib = (heapUsed() - heapBefore) / 1024;
  const [keeper = 0] = childrenOf(process.pid);
  const [applicationMib, keeperMib] = [process.pid, keeper].map(residentMib);
  const idleMs = number('idle', 0);
  const idleTraffic = await trafficOf(() => sleep(idleMs));
  if (isCounted) {
    emitTimes(OWN, label, count, [tookMs], {
      requests_per_latch: received / count,
    });
    const heapUnit = 'KiB of heap an election';
    emitValue(OWN, `${label}_heap`, count, heapKib / count, heapUnit);
    const memoryMib = Number(applicationMib) + Number(keeperMib);
    emitValue(OWN, `${label}_memory`, count, memoryMib, 'MiB resident', {
      application_mib: applicationMib,
      keeper_mib: keeperMib,
    });
    if (idleMs > 0) {
      const perSecond = (idleTraffic.received * 1_000) / idleMs;
      const unit = 'packets received a second';
      emitValue(OWN, `${label}_idle`, count, perSecond, unit);
    }
  }
  await instance.shutDown();
}

/** A leader and an heir with nothing to do. */
async function idle() {
  const seconds = number('seconds', 60);
  const instances = [
    await startInstance(options),
    await startInstance(options),
  ];
  for (const instance of instances) {
    instance.get();
    await until(() => instance.get().leadership.role !== 'idle');
  }
  await sleep(500);
  const [pid = 0] = childrenOf(process.pid);
  const keeperBefore = cpuMs(pid);
  let cpu = process.cpuUsage();
  const { received, receivedBytes, sentBytes } = await trafficOf(async () => {
    // Without what asking the server costs.
    const before = process.cpuUsage();
    await sleep(seconds * 1_000);
    cpu = process.cpuUsage(before);
  });
  const perMinute = 60 / seconds;
  for (const [name, value, unit] of /** @type {const} */ ([
    ['idle_requests', received, 'packets received per minute'],
    ['idle_bytes', receivedBytes, 'bytes received per minute'],
    ['idle_bytes', sentBytes, 'bytes sent per minute'],
  ])) {
    emitValue(OWN, name, 2, value * perMinute, unit);
  }
  emitValue(
    OWN,
    'idle_application',
    2,
    (cpu.user + cpu.system) / seconds / 1e4,
    '% of a core',
  );
  emitValue(
    OWN,
    'idle_keeper',
    1,
    (cpuMs(pid) - keeperBefore) / seconds / 10,
    '% of a core',
  );
  await Promise.all(instances.map((each) => each.shutDown()));
}

/** Delay of timers with nothing, and with 100 elections led and asked. */
async function eventLoopDelay() {
  const seconds = number('seconds', 5);
  emitValue(
    OWN,
    'event_loop_bare',
    0,
    await loopDelay(seconds),
    'ms, 99th percentile',
  );
  const instance = await startInstance(options);
  const elections = Array.from({ length: 100 }, (_, i) =>
    instance.get(`e-${i}`),
  );
  await Promise.all(elections.map((each) => each.waitForLeadership()));
  const asking = setInterval(() => {
    for (const election of elections) {
      election.isLeader();
    }
  }, 1);
  emitValue(
    OWN,
    'event_loop',
    100,
    await loopDelay(seconds),
    'ms, 99th percentile',
  );
  clearInterval(asking);
  await instance.shutDown();
}

async function loopDelay(/** @type {number} */ seconds) {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  await sleep(seconds * 1_000);
  histogram.disable();
  return histogram.percentile(99) / 1e6;
}

/** What it takes to have the library at all. */
async function footprint() {
  const index = new URL('../dist/esm/index.js', import.meta.url).href;
  const peers = [
    'reflect-metadata',
    '@nestjs/common',
    '@nestjs/core',
    '@nestjs/schedule',
    'rxjs',
  ];
  const script = (/** @type {string} */ extra) => `
    for (const each of ${JSON.stringify(peers)}) await import(each);
    const from = performance.now(), rss = process.memoryUsage().rss;
    ${extra}
    console.log(performance.now() - from, (process.memoryUsage().rss - rss) / 2 ** 20);`;
  /** @type {number[]} */ const times = [];
  /** @type {number[]} */ const memory = [];
  for (let i = 0; i < number('n', 10); i++) {
    const [tookMs = 0, mib = 0] = await evaluate(
      script(`await import('${index}');`),
    );
    times.push(tookMs);
    memory.push(mib);
  }
  emitTimes(OWN, 'import', 1, times);
  emitValue(OWN, 'import_memory', 1, median(memory), 'MiB resident');
  const instance = await startInstance(options);
  await instance.get().waitForLeadership();
  const [pid = 0] = childrenOf(process.pid);
  emitValue(OWN, 'keeper_memory', 1, residentMib(pid), 'MiB resident');
  await instance.shutDown();
}

/** @param {string} script @returns {Promise<number[]>} */
async function evaluate(script) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: fileURLToPath(new URL('..', import.meta.url)),
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await new Promise((resolve) => child.once('close', resolve));
  return output.trim().split(' ').map(Number);
}

/**
 * Alternates between the library and the floor, and reports both and their
 * ratio.
 *
 * @param {number} warm
 * @param {number} n
 * @param {{ own: () => Promise<number>, floor: () => Promise<number> }} measure
 */
async function repeat(warm, n, measure, k = 1) {
  /** @type {number[]} */ const own = [];
  /** @type {number[]} */ const floor = [];
  for (let i = -warm; i < n; i++) {
    const ownMs = await measure.own();
    const floorMs = await measure.floor();
    if (i >= 0) {
      own.push(ownMs);
      floor.push(floorMs);
    }
  }
  emitTimes(OWN, metric, k, own, {
    ratio_floor: Number((median(own) / median(floor)).toFixed(3)),
  });
  emitTimes(FLOOR, metric, k, floor);
}

/** @type {Elections[]} */
const joined = [];

/** @param {number} k @returns {Promise<Election[]>} */
async function joinInOrder(k) {
  const queue = [];
  for (let i = 0; i < k; i++) {
    const instance = await startInstance({
      ...options,
      basePath: `${basePath}-${k}`,
    });
    joined.push(instance);
    const election = instance.get();
    await until(() => election.leadership.role !== 'idle');
    queue.push(election);
  }
  await sleep(200);
  return queue;
}

/** The former leader becomes the last one. @param {Election[]} queue */
async function backInQueue(queue) {
  const former = /** @type {Election} */ (queue.shift());
  const [leader] = queue;
  queue.push(former);
  // Node names tell an entry from the one before.
  await until(async () => {
    const participants = (await leader?.participants()) ?? [];
    return participants.length === queue.length;
  });
  await until(() => leader?.leadership.role === 'leader');
}

/** @param {number} sessionTimeoutMs */
async function leadingChild(sessionTimeoutMs) {
  const main = new URL('../test/support/instance.main.mjs', import.meta.url);
  const child = spawn(process.execPath, [fileURLToPath(main)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      OPTIONS: JSON.stringify({ ...options, sessionTimeoutMs }),
    },
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes('"leading"')) {
      return { pid: Number(child.pid) };
    }
  }
  throw new Error('The child ended before it led.');
}

/** @param {number} pid @returns {number[]} */
function childrenOf(pid) {
  const file = `/proc/${pid}/task/${pid}/children`;
  return readFileSync(file, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
}

/** @param {number} pid */
function residentMib(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

/** CPU time of a process so far; Linux counts in hundredths of a second. */
function cpuMs(/** @type {number} */ pid) {
  const fields =
    readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function heapUsed() {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/**
 * @typedef {object} Traffic what the server has received and sent
 * @property {number} received packets
 * @property {number} sent packets, those of watches among them
 * @property {number} receivedBytes
 * @property {number} sentBytes
 */

/** What goes over the network meanwhile. @param {() => Promise<void>} act */
async function trafficOf(act) {
  const first = await traffic();
  const before = await traffic();
  await act();
  const after = await traffic();
  // What asking itself adds is taken off.
  return difference(difference(first, before), difference(before, after));
}

/** @returns {Promise<Traffic>} */
async function traffic() {
  const text = await fourLetterWord(Number(connect.split(':')[1]), 'mntr');
  const count = (/** @type {string} */ name) =>
    Number(new RegExp(`zk_${name}\\t(\\d+)`).exec(text)?.[1]);
  return {
    received: count('packets_received'),
    sent: count('packets_sent'),
    receivedBytes: count('bytes_received_count'),
    sentBytes: count('response_bytes') + count('watch_bytes'),
  };
}

/** @param {Traffic} from @param {Traffic} to @returns {Traffic} */
function difference(from, to) {
  return {
    received: to.received - from.received,
    sent: to.sent - from.sent,
    receivedBytes: to.receivedBytes - from.receivedBytes,
    sentBytes: to.sentBytes - from.sentBytes,
  };
}

/**
 * Of hand-overs with joining again. Medians: a heartbeat that comes in between
 * does not count.
 *
 * @param {number} k
 * @param {Traffic[]} samples
 */
function emitHandOverTraffic(k, samples) {
  const of = (/** @type {keyof Traffic} */ key) =>
    median(samples.map((sample) => sample[key]));
  emitValue(OWN, 'handover_requests', k, of('received'), 'packets received', {
    packets_sent: of('sent'),
  });
  emitValue(OWN, 'handover_bytes', k, of('receivedBytes'), 'bytes received');
  emitValue(OWN, 'handover_bytes', k, of('sentBytes'), 'bytes sent');
}

/** @param {number[]} values @param {(value: number) => Promise<void>} act */
async function forEach(values, act) {
  for (const value of values) {
    await act(value);
  }
}

const run = metrics[metric];
if (!run) {
  throw new Error(
    `Unknown metric "${metric}"; there are ${Object.keys(metrics).join(', ')}.`,
  );
}
await run();
await Promise.all(joined.map((instance) => instance.shutDown()));
process.exit(0);
