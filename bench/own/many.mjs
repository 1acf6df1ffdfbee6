// @ts-check
/** Elections of one process: time, memory, requests. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Floor } from '../support/floor.mjs';
import { leadsAt, startInstance } from '../support/instances.mjs';
import {
  basePath,
  connect,
  FLOOR,
  number,
  options,
  OWN,
} from '../support/own-context.mjs';
import { evaluate, heapUsed } from '../support/processes.mjs';
import { emitTimes, emitValue, median } from '../support/samples.mjs';
import { trafficOf } from '../support/traffic.mjs';

/** Elections on paths that are there, and on paths that are not. */
export async function many() {
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

/**
 * @param {number} count
 * @param {string} label
 * @param {string} prefix
 * @param {boolean} isCounted
 */
async function manyOnce(count, label, prefix, isCounted) {
  const instance = await startInstance(options);
  await instance.get(`${prefix}-first`).waitForLeadership();
  const heapBefore = heapUsed();
  let tookMs = 0;
  const { received } = await trafficOf(connect, async () => {
    const from = performance.now();
    const elections = Array.from({ length: count }, (_, i) =>
      instance.find(`${prefix}-${i}`, 'bench'),
    );
    const all = elections.map(leadsAt);
    for (const election of elections) {
      election.enter();
    }
    tookMs = Math.max(...(await Promise.all(all))) - from;
    // Leaders still announce themselves, and read their own nodes again.
    await sleep(Math.max(300, tookMs));
  });
  const heapKib = (heapUsed() - heapBefore) / 1024;
  const idleMs = number('idle', 0);
  const idleTraffic = await trafficOf(connect, () =>
    sleep(idleMs).then(() => undefined),
  );
  if (isCounted) {
    emitTimes(OWN, label, count, [tookMs]);
    const perElection = received / count;
    emitValue(
      OWN,
      `${label}_requests`,
      count,
      perElection,
      'packets an election',
    );
    const heapUnit = 'KiB of heap an election';
    emitValue(OWN, `${label}_heap`, count, heapKib / count, heapUnit);
    if (idleMs > 0) {
      const perSecond = (idleTraffic.received * 1_000) / idleMs;
      const unit = 'packets received a second';
      emitValue(OWN, `${label}_idle`, count, perSecond, unit);
    }
  }
  await instance.shutDown();
}

/** A Nest application that leads 1,000 elections, beside an empty one. */
export async function manyMemory() {
  const count = number('m', 1_000);
  const script = (/** @type {number} */ elections) => `
    import 'reflect-metadata';
    const { NestFactory } = await import('@nestjs/core');
    const imports = [];
    if (${elections} > 0) {
      const { ZookeeperLeaderModule } = await import('./dist/esm/index.js');
      imports.push(ZookeeperLeaderModule.forRoot(${JSON.stringify(options)}));
    }
    const app = await NestFactory.createApplicationContext(
      { module: class Root {}, imports }, { logger: false });
    if (${elections} > 0) {
      const { LeaderElections } = await import('./dist/esm/index.js');
      const all = app.get(LeaderElections);
      await Promise.all(Array.from({ length: ${elections} }, (_, i) =>
        all.get('memory-' + i).waitForLeadership()));
    }
    for (let i = 0; i < 4; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    console.log(process.memoryUsage.rss() / 2 ** 20);
    process.exit(0);`;
  /** @type {number[]} */ const empty = [];
  /** @type {number[]} */ const full = [];
  for (let i = 0; i < number('n', 3); i++) {
    empty.push(...(await evaluate(script(0))));
    full.push(...(await evaluate(script(count))));
  }
  emitValue(OWN, 'nest_memory', 1, median(empty), 'MiB resident');
  emitValue(OWN, 'many_memory', count, median(full), 'MiB resident');
}
