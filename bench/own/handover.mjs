// @ts-check
/** From resigning to the next one being told, and what it costs the server. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Floor } from '../support/floor.mjs';
import { leadsAt, startInstance, until } from '../support/instances.mjs';
import {
  basePath,
  connect,
  number,
  numbers,
  options,
  OWN,
} from '../support/own-context.mjs';
import { OwnClient } from '../support/own-client.mjs';
import { emitTimes, emitValue, IDLE_MS, median } from '../support/samples.mjs';
import { trafficOf } from '../support/traffic.mjs';
import { repeat } from './repeat.mjs';

/** @typedef {import('../support/instances.mjs').Elections} Elections */
/** @typedef {import('../support/instances.mjs').Election} Election */
/** @typedef {import('../support/traffic.mjs').Traffic} Traffic */

/** From resign() at the leader to the emission at the next. */
export async function handOver() {
  for (const k of numbers('k', [2, 10])) {
    const { instances, queue } = await joinInOrder(k);
    const a = await Floor.open(connect, `${basePath}/floor`);
    const b = await Floor.open(connect, `${basePath}/floor`);
    const c = await OwnClient.open(connect, `${basePath}/floor`);
    const d = await OwnClient.open(connect, `${basePath}/floor`);
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
        client: () => c.handOver(d),
        floor: () => a.handOver(b),
      },
      k,
    );
    a.close();
    b.close();
    await Promise.all([c.close(), d.close()]);
    await Promise.all(instances.map((each) => each.shutDown()));
  }
}

/** What goes over the network for a hand-over and the coming back. */
export async function handOverRequests() {
  for (const k of numbers('k', [2, 10, 100])) {
    const { instances, queue } = await joinInOrder(k);
    /** @type {Traffic[]} */
    const samples = [];
    for (let i = 0; i < number('n', 40); i++) {
      await sleep(30);
      const sample = await trafficOf(connect, async () => {
        const [leader, next] = queue;
        const leads = leadsAt(/** @type {Election} */ (next));
        void leader?.resign();
        await leads;
        queue.push(/** @type {Election} */ (queue.shift()));
        await sleep(60);
      });
      samples.push(sample);
    }
    emitTraffic('handover', k, samples);
    await Promise.all(instances.map((each) => each.shutDown()));
  }
}

/**
 * How a hand-over and joining change with the participants: a leader, an heir,
 * nodes of a third session behind them, and one that joins at the end.
 */
export async function participants() {
  for (const k of numbers('k', [2, 10, 100, 1_000])) {
    const directory = `${basePath}-${k}`;
    const start = () => startInstance({ ...options, basePath: directory });
    const instances = [await start(), await start(), await start()];
    const [first, second, third] =
      /** @type {[Elections, Elections, Elections]} */ (instances);
    /** @type {number[]} */ const handOverMs = [];
    /** @type {number[]} */ const joinMs = [];
    /** @type {Traffic[]} */ const handOvers = [];
    /** @type {Traffic[]} */ const joins = [];
    for (let i = -5; i < number('n', 20); i++) {
      const name = `participants-${i}`;
      const leader = first.get(name);
      await leader.waitForLeadership();
      const heir = second.get(name);
      await until(() => heir.leadership.role === 'follower');
      const floor = await Floor.open(connect, `${directory}/elections/${name}`);
      await floor.addBystanders(k - 2, `${randomUUID()}-n_`);
      await sleep(100);
      let joinedMs = 0;
      const joined = await trafficOf(connect, async () => {
        const last = third.find(name, 'bench');
        const follows = followsAt(last);
        const from = performance.now();
        last.enter();
        joinedMs = (await follows) - from;
        await sleep(50);
      });
      let handedOverMs = 0;
      const handedOver = await trafficOf(connect, async () => {
        const leads = leadsAt(heir);
        const from = performance.now();
        void leader.resign();
        handedOverMs = (await leads) - from;
        await sleep(100);
      });
      if (i >= 0) {
        joinMs.push(joinedMs);
        joins.push(joined);
        handOverMs.push(handedOverMs);
        handOvers.push(handedOver);
      }
      floor.close();
      await Promise.all(
        [leader, heir, third.get(name)].map((each) => each.withdraw()),
      );
    }
    emitTimes(OWN, 'participants_handover', k, handOverMs);
    emitTraffic('participants_handover', k, handOvers);
    emitTimes(OWN, 'participants_join', k, joinMs);
    emitTraffic('participants_join', k, joins);
    await Promise.all(instances.map((each) => each.shutDown()));
  }
}

/** @param {Election} election @returns {Promise<number>} */
function followsAt(election) {
  return new Promise((resolve) => {
    const subscription = election.leadership$.subscribe(({ role }) => {
      if (role === 'follower') {
        resolve(performance.now());
        queueMicrotask(() => subscription.unsubscribe());
      }
    });
  });
}

/** @param {number} k */
async function joinInOrder(k) {
  /** @type {Election[]} */ const queue = [];
  /** @type {Elections[]} */ const instances = [];
  for (let i = 0; i < k; i++) {
    const instance = await startInstance({
      ...options,
      basePath: `${basePath}-${k}`,
      // A hundred guardians would measure the machine instead.
      ...(k > 10 && { guardian: false }),
    });
    instances.push(instance);
    const election = instance.get();
    await until(() => election.leadership.role !== 'idle');
    queue.push(election);
  }
  await sleep(200);
  return { instances, queue };
}

/** The former leader becomes the last one. @param {Election[]} queue */
async function backInQueue(queue) {
  const former = /** @type {Election} */ (queue.shift());
  const [leader] = queue;
  queue.push(former);
  // Node names tell an entry from the one before.
  await until(async () => {
    const found = (await leader?.participants()) ?? [];
    return found.length === queue.length;
  });
  await until(() => leader?.leadership.role === 'leader');
}

/**
 * Of hand-overs with joining again. Medians: a heartbeat that comes in between
 * does not count.
 *
 * @param {string} label
 * @param {number} k
 * @param {Traffic[]} samples
 */
function emitTraffic(label, k, samples) {
  const of = (/** @type {keyof Traffic} */ key) =>
    median(samples.map((sample) => sample[key]));
  emitValue(OWN, `${label}_requests`, k, of('received'), 'packets received', {
    packets_sent: of('sent'),
  });
  emitValue(OWN, `${label}_bytes`, k, of('receivedBytes'), 'bytes received');
  emitValue(OWN, `${label}_bytes`, k, of('sentBytes'), 'bytes sent');
}
