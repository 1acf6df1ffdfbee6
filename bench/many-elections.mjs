// @ts-check
/**
 * What 1,000 elections in one process cost: `node bench/many-elections.mjs [count]`.
 *
 * Needs a build (`npm run build`) and starts a ZooKeeper server of its own.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fourLetterWord } from '../scripts/zookeeper/four-letter-word.mjs';
import { startZookeeper } from '../scripts/zookeeper/server.mjs';

/** @param {string} file */
const load = (file) =>
  import(new URL(`../dist/esm/${file}`, import.meta.url).href);
const { LeaderElections } = await load('election/leader-elections.js');
const { resolveOptions } = await load('zookeeper-leader.options.js');
const { Logger } = await import('@nestjs/common');

Logger.overrideLogger(false);
const count = Number(process.argv[2] ?? 1_000);
const IDLE_SECONDS = 20;
const server = await startZookeeper({ maxSessionTimeoutMs: 60_000 });
const options = resolveOptions({
  connectionString: server.connectionString,
  basePath: '/many',
});
const identity = { instanceId: 'bench', host: 'bench', pid: process.pid };

async function run(/** @type {string} */ label) {
  const elections = new LeaderElections(options, identity, 'bench');
  await elections.start();
  await elections.get('warm-up').waitForLeadership({ timeoutMs: 10_000 });
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const startedAt = performance.now();
  const all = Array.from({ length: count }, (_, index) =>
    elections.get(`election-${index}`),
  );
  await Promise.all(
    all.map((one) => one.waitForLeadership({ timeoutMs: 60_000 })),
  );
  const tookMs = performance.now() - startedAt;
  await sleep(500);
  globalThis.gc?.();
  const heapMb = (process.memoryUsage().heapUsed - heapBefore) / 2 ** 20;
  console.log(
    `${label}: ${count} elections led after ${tookMs.toFixed(0)} ms, ` +
      `${heapMb.toFixed(1)} MB of heap, ${rssOfKeeper()} MB resident in the keeper`,
  );
  return elections;
}

function rssOfKeeper() {
  const [pid] = readFileSync(
    `/proc/${process.pid}/task/${process.pid}/children`,
    'utf8',
  )
    .trim()
    .split(' ')
    .filter((child) =>
      readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('keeper'),
    );
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return (Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024).toFixed(0);
}

async function packets() {
  const text = await fourLetterWord(server.port, 'mntr');
  return Number(/packets_received\t(\d+)/.exec(text)?.[1]);
}

const first = await run('new paths');
await first.shutDown();
const second = await run('existing paths');
const before = await packets();
const cpuBefore = process.cpuUsage();
await sleep(IDLE_SECONDS * 1_000);
const cpu = process.cpuUsage(cpuBefore);
const perSecond = ((await packets()) - before) / IDLE_SECONDS;
console.log(
  `idle: ${perSecond.toFixed(2)} requests per second, ` +
    `${((cpu.user + cpu.system) / IDLE_SECONDS / 1e4).toFixed(2)} % of a core`,
);
await second.shutDown();
await server.close();
