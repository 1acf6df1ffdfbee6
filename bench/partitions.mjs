// @ts-check
/**
 * 1,000 partitions on 20 instances: how long until all are owned, until they are
 * again after the kill of one instance, and what all of that asks of ZooKeeper.
 *
 * `npm run build && node bench/partitions.mjs [partitions] [instances]`
 */
import 'reflect-metadata';
import { fork } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Logger } from '@nestjs/common';
import { fourLetterWord } from '../scripts/zookeeper/four-letter-word.mjs';
import { startZookeeper } from '../scripts/zookeeper/server.mjs';

const load = (/** @type {string} */ path) =>
  import(new URL(`../dist/esm/${path}`, import.meta.url).href);
const { LeaderElections } = await load('election/leader-elections.js');
const { Partitions } = await load('partitions/partitions.js');
const { resolveOptions } = await load('zookeeper-leader.options.js');

const IDLE_MS = 6_000;
const own = fileURLToPath(import.meta.url);

/**
 * @param {number} port
 * @param {string} instanceId
 * @param {number} partitions
 * @param {false | undefined} guardian
 */
async function join(port, instanceId, partitions, guardian) {
  const options = resolveOptions({
    connectionString: `127.0.0.1:${port}`,
    instanceId,
    guardian,
  });
  const identity = { instanceId, host: 'bench', pid: process.pid };
  const elections = new LeaderElections(options, identity, 'bench');
  const set = new Partitions(elections, options).of('work', partitions);
  const counted = { owned: 0 };
  // Without the clock of each, which a loop would spend its time with.
  set.owned$.subscribe((/** @type {unknown[]} */ { length }) => {
    counted.owned = length;
  });
  await elections.start();
  return { elections, set, counted };
}

if (process.argv[2] === 'victim') {
  Logger.overrideLogger(false);
  const [port, partitions] = process.argv.slice(3).map(Number);
  const { set } = await join(
    Number(port),
    'victim',
    Number(partitions),
    undefined,
  );
  set.owned$.subscribe((/** @type {unknown[]} */ owned) =>
    process.send?.(owned.length),
  );
} else {
  await run(Number(process.argv[2] ?? 1_000), Number(process.argv[3] ?? 20));
}

/**
 * @param {number} partitions
 * @param {number} instances
 */
async function run(partitions, instances) {
  Logger.overrideLogger(false);
  const server = await startZookeeper();
  const { port } = server;
  const victim = fork(own, ['victim', String(port), String(partitions)]);
  let victimOwns = 0;
  victim.on('message', (count) => (victimOwns = Number(count)));
  await until(() => victimOwns === partitions);

  let sent = await packets(port);
  const startedAt = performance.now();
  const members = await Promise.all(
    Array.from({ length: instances - 1 }, (_, index) =>
      join(port, `i${index}`, partitions, false),
    ),
  );
  const share = Math.ceil(partitions / instances);
  const owned = () =>
    members.reduce((sum, { counted }) => sum + counted.owned, 0);
  await until(() => victimOwns <= share && owned() === partitions - victimOwns);
  await report(port, 'join of all others', startedAt, sent);

  await delay(1_000);
  sent = await packets(port);
  await delay(IDLE_MS);
  const perSecond = ((await packets(port)) - sent) / (IDLE_MS / 1_000);
  print('idle, requests per second and instance', perSecond / instances);

  sent = await packets(port);
  const killedAt = performance.now();
  victim.kill('SIGKILL');
  await until(() => owned() === partitions);
  await report(port, 'kill -9 of one', killedAt, sent);
  const counts = members.map(({ counted }) => counted.owned);
  print('then the fewest of an instance', Math.min(...counts));
  print('then the most of an instance', Math.max(...counts));

  sent = await packets(port);
  const joinedAt = performance.now();
  const late = await join(port, 'late', partitions, false);
  members.push(late);
  await until(() => late.counted.owned >= Math.floor(partitions / instances));
  await report(port, 'join of one', joinedAt, sent);

  sent = await packets(port);
  const leftAt = performance.now();
  await late.elections.shutDown();
  members.pop();
  await until(() => owned() === partitions);
  await report(port, 'leave of one', leftAt, sent);

  await Promise.all(members.map(({ elections }) => elections.shutDown()));
  await server.close();
}

/** @param {number} port */
async function packets(port) {
  const answer = await fourLetterWord(port, 'mntr', { timeoutMs: 5_000 });
  return Number(/^zk_packets_received\t(\d+)/m.exec(answer)?.[1]);
}

/**
 * @param {number} port
 * @param {string} what
 * @param {number} sinceMs
 * @param {number} sent
 */
async function report(port, what, sinceMs, sent) {
  const tookMs = performance.now() - sinceMs;
  print(`${what}: ms`, tookMs);
  print(`${what}: requests`, (await packets(port)) - sent);
}

/** @param {() => boolean} condition */
async function until(condition) {
  while (!condition()) {
    await delay(1);
  }
}

/**
 * @param {string} what
 * @param {number} value
 */
function print(what, value) {
  process.stdout.write(`${what.padEnd(45)} ${value.toFixed(1).padStart(9)}\n`);
}
