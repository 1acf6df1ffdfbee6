// @ts-check
/** What the library costs where nothing happens: at rest, and to be loaded. */
import { spawn } from 'node:child_process';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { startInstance, until } from '../support/instances.mjs';
import { connect, number, options, OWN } from '../support/own-context.mjs';
import {
  childrenOf,
  cpuMs,
  evaluate,
  privateMib,
  residentMib,
  wakeUps,
} from '../support/processes.mjs';
import { emitTimes, emitValue, median } from '../support/samples.mjs';
import { trafficOf } from '../support/traffic.mjs';

/** A leader and an heir with nothing to do. */
export async function idle() {
  const seconds = number('seconds', 60);
  const settings = { ...options, sessionTimeoutMs: 10_000 };
  const instances = [
    await startInstance(settings),
    await startInstance(settings),
  ];
  for (const instance of instances) {
    instance.get();
    await until(() => instance.get().leadership.role !== 'idle');
  }
  // After the first look at who waits behind the leader, five seconds on, and after
  // the collections of garbage by which V8 shrinks a heap at rest.
  await sleep(25_000);
  const [pid = 0] = childrenOf(process.pid);
  const guardianBefore = cpuMs(pid);
  const wakeUpsBefore = wakeUps(pid);
  const fromMs = performance.now();
  let cpu = process.cpuUsage();
  const { received, receivedBytes, sentBytes } = await trafficOf(
    connect,
    async () => {
      // Without what asking the server costs.
      const before = process.cpuUsage();
      await sleep(seconds * 1_000);
      cpu = process.cpuUsage(before);
    },
  );
  const perMinute = 60 / seconds;
  for (const [name, value, unit] of /** @type {const} */ ([
    ['idle_requests', received, 'packets received per minute'],
    ['idle_bytes', receivedBytes, 'bytes received per minute'],
    ['idle_bytes', sentBytes, 'bytes sent per minute'],
  ])) {
    emitValue(OWN, name, 2, value * perMinute, unit);
  }
  // Both instances are in this process.
  const applicationShare = (cpu.user + cpu.system) / seconds / 1e4 / 2;
  emitValue(OWN, 'idle_application', 1, applicationShare, '% of a core');
  const guardianSeconds = (performance.now() - fromMs) / 1_000;
  const guardianShare = (cpuMs(pid) - guardianBefore) / guardianSeconds / 10;
  emitValue(OWN, 'idle_guardian', 1, guardianShare, '% of a core');
  const guardianWakeUps = (wakeUps(pid) - wakeUpsBefore) / guardianSeconds;
  emitValue(OWN, 'idle_guardian', 1, guardianWakeUps, 'wake-ups a second');
  await Promise.all(instances.map((each) => each.shutDown()));
}

/** Delay of timers with nothing, and with 100 elections led and asked. */
export async function eventLoopDelay() {
  const seconds = number('seconds', 5);
  const unit = 'ms, 99th percentile';
  emitValue(OWN, 'event_loop_bare', 0, await loopDelay(seconds), unit);
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
  emitValue(OWN, 'event_loop', 100, await loopDelay(seconds), unit);
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
export async function footprint() {
  const peers = [
    'reflect-metadata',
    '@nestjs/common',
    '@nestjs/core',
    '@nestjs/schedule',
    'rxjs',
  ];
  const script = `
    const bare = performance.now();
    for (const each of ${JSON.stringify(peers)}) await import(each);
    const peersMs = performance.now() - bare;
    gc();
    const from = performance.now(), rss = process.memoryUsage().rss;
    await import('./dist/esm/index.js');
    const tookMs = performance.now() - from;
    console.log(tookMs, (process.memoryUsage().rss - rss) / 2 ** 20, peersMs);`;
  /** @type {number[]} */ const times = [];
  /** @type {number[]} */ const peerTimes = [];
  /** @type {number[]} */ const memory = [];
  for (let i = 0; i < number('n', 10); i++) {
    const [tookMs = 0, mib = 0, peersMs = 0] = await evaluate(script);
    times.push(tookMs);
    peerTimes.push(peersMs);
    memory.push(mib);
  }
  emitTimes(OWN, 'import', 1, times);
  // What an application with Nest loads anyway, in the same processes.
  emitTimes(OWN, 'import_nest', 1, peerTimes);
  emitValue(OWN, 'import_memory', 1, median(memory), 'MiB resident');
  const instance = await startInstance(options);
  await instance.get().waitForLeadership();
  const [pid = 0] = childrenOf(process.pid);
  emitValue(OWN, 'guardian_memory', 1, residentMib(pid), 'MiB resident');
  const empty = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)']);
  await sleep(1_000);
  const ownMib = privateMib(pid) - privateMib(Number(empty.pid));
  const unit = 'MiB private above an empty Node.js';
  emitValue(OWN, 'guardian_memory', 1, ownMib, unit);
  empty.kill();
  await instance.shutDown();
}
