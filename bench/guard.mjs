// @ts-check
/**
 * What a call costs under `@OnlyLeader()`: `node bench/guard.mjs`. The same
 * method bare, not leading, leading, and leading with a run ledger, in turns in
 * one process, so that whatever else the machine does falls on all alike.
 *
 * Prints a table and, as the last line, the same as JSON. Needs a build
 * (`npm run build`) and starts a ZooKeeper server of its own.
 */
import 'reflect-metadata';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { NestFactory } from '@nestjs/core';
import { startZookeeper } from '../scripts/zookeeper/server.mjs';

/** @type {typeof import('../lib/index.js')} */
const library = await import(
  new URL('../dist/esm/index.js', import.meta.url).href
);
const { LeaderElection, LeaderElections, OnlyLeader, ZookeeperLeaderModule } =
  library;

const ROUNDS = 40;
const CALLS = 200_000;
const LEDGER_CALLS = 50;

setFlagsFromString('--expose-gc');
/** @type {() => void} */
const collectGarbage = runInNewContext('gc');

class Jobs {
  count = 0;

  /** @param {number} by */
  bare(by) {
    this.count += by;
    return this.count;
  }

  /** @param {number} by */
  following(by) {
    this.count += by;
    return this.count;
  }

  /** @param {number} by */
  leading(by) {
    this.count += by;
    return this.count;
  }

  async bareAsync() {
    this.count += 1;
  }

  async leadingAsync() {
    this.count += 1;
  }

  async withLedger() {
    this.count += 1;
  }
}

/**
 * @param {'following' | 'leading' | 'leadingAsync' | 'withLedger'} name
 * @param {import('../lib/index.js').LeaderTaskOptions} options
 */
function guard(name, options) {
  const method = /** @type {PropertyDescriptor} */ (
    Object.getOwnPropertyDescriptor(Jobs.prototype, name)
  );
  OnlyLeader({ scheduled: false, ...options })(Jobs.prototype, name, method);
  Object.defineProperty(Jobs.prototype, name, method);
}

guard('following', { election: 'others' });
guard('leading', {});
guard('leadingAsync', {});
guard('withLedger', { ledger: true, task: 'bench' });

const server = await startZookeeper();
const app = await NestFactory.createApplicationContext(
  {
    module: class RootModule {},
    imports: [
      ZookeeperLeaderModule.forRoot({
        connectionString: server.connectionString,
        basePath: '/bench-guard',
      }),
    ],
    providers: [Jobs],
  },
  { logger: ['warn', 'error'] },
);
await app.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
await app.get(LeaderElections).get('others').withdraw();
const jobs = app.get(Jobs);

/** @param {(count: number) => unknown} batch */
async function nanosecondsPerCall(batch, count = CALLS) {
  const startedAt = process.hrtime.bigint();
  await batch(count);
  return Number(process.hrtime.bigint() - startedAt) / count;
}

/** @type {Record<string, (count: number) => unknown>} */
const batches = {
  bare: (count) => {
    for (let index = 0; index < count; index += 1) {
      jobs.bare(1);
    }
  },
  'not leading': (count) => {
    for (let index = 0; index < count; index += 1) {
      jobs.following(1);
    }
  },
  leading: (count) => {
    for (let index = 0; index < count; index += 1) {
      jobs.leading(1);
    }
  },
  'bare, async': async (count) => {
    for (let index = 0; index < count; index += 1) {
      await jobs.bareAsync();
    }
  },
  'leading, async': async (count) => {
    for (let index = 0; index < count; index += 1) {
      await jobs.leadingAsync();
    }
  },
  'with ledger': async (count) => {
    for (let index = 0; index < count; index += 1) {
      await jobs.withLedger();
    }
  },
};

/** @param {string} name */
const callsOf = (name) => (name === 'with ledger' ? LEDGER_CALLS : CALLS);

/** @type {Map<string, number[]>} */
const costs = new Map();
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, batch] of Object.entries(batches)) {
    const costNs = await nanosecondsPerCall(batch, callsOf(name));
    if (round > 1) {
      // The first two are for the compiler.
      costs.set(name, [...(costs.get(name) ?? []), costNs]);
    }
  }
}

/** Heap bytes that a call allocates, of a batch too small for a collection. */
async function bytesPerCall(/** @type {string} */ name) {
  const count = Math.min(callsOf(name), 5_000);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  await batches[name]?.(count);
  return Math.max(0, process.memoryUsage().heapUsed - before) / count;
}

const results = [];
for (const [name, costNs] of costs) {
  const sorted = costNs.toSorted((a, b) => a - b);
  const { length } = sorted;
  results.push({
    call: name,
    medianNs: Number((sorted[Math.floor(length / 2)] ?? NaN).toFixed(1)),
    bestNs: Number((sorted[0] ?? NaN).toFixed(1)),
    worstNs: Number((sorted[length - 1] ?? NaN).toFixed(1)),
    bytes: Math.round(await bytesPerCall(name)),
  });
}
await app.close();
await server.close();

console.table(results);
console.log(
  JSON.stringify({
    node: process.version,
    cpu: cpus()[0]?.model,
    cores: availableParallelism(),
    load: Number((loadavg()[0] ?? NaN).toFixed(2)),
    rounds: ROUNDS - 2,
    calls: CALLS,
    results,
  }),
);
