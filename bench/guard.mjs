// @ts-check
/**
 * What a call costs under `@OnlyLeader()`: `node bench/guard.mjs CONNECT METRIC`.
 *
 * - `guard`: the same method bare, not leading and leading, in turns in one
 *   process, in batches so short that most of them are not interrupted: other
 *   work of the machine falls on all alike;
 * - `ledger_claim`: a run of a task with a run ledger, beside one write of the
 *   npm client alone;
 * - `ledger_load`: many tasks with a run ledger, each run once a second.
 *
 * Prints a JSON line for each figure.
 */
import 'reflect-metadata';
import { performance } from 'node:perf_hooks';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { NestFactory } from '@nestjs/core';
import { Floor } from './support/floor.mjs';
import {
  emitTimes,
  emitValue,
  median,
  parseParameters,
} from './support/samples.mjs';
import { trafficOf } from './support/traffic.mjs';

/** @type {typeof import('../lib/index.js')} */
const library = await import(
  new URL('../dist/esm/index.js', import.meta.url).href
);
const { LeaderElection, LeaderElections, OnlyLeader, ZookeeperLeaderModule } =
  library;

const [connect = '', metric = '', ...parameters] = process.argv.slice(2);
const { number, numbers } = parseParameters(parameters);
const basePath = `/bench-guard-${process.pid}`;
const CALLS = 1_000;

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

const app = await NestFactory.createApplicationContext(
  {
    module: class RootModule {},
    imports: [
      ZookeeperLeaderModule.forRoot({
        connectionString: connect,
        basePath,
        sessionTimeoutMs: 60_000,
      }),
    ],
    providers: [Jobs],
  },
  { logger: ['error'] },
);
const election = app.get(LeaderElection);
await election.waitForLeadership();
await app.get(LeaderElections).get('others').withdraw();
const jobs = app.get(Jobs);

/**
 * Each with the bare call that it is compared with, and how often the method has
 * to run in it, if not at every call.
 *
 * @type {Record<string, { bare?: string, runs?: number, run: () => unknown }>}
 */
const batches = {
  bare: {
    run: () => {
      for (let index = 0; index < CALLS; index += 1) {
        jobs.bare(1);
      }
    },
  },
  not_leading: {
    bare: 'bare',
    runs: 0,
    run: () => {
      for (let index = 0; index < CALLS; index += 1) {
        jobs.following(1);
      }
    },
  },
  leading: {
    bare: 'bare',
    run: () => {
      for (let index = 0; index < CALLS; index += 1) {
        jobs.leading(1);
      }
    },
  },
  // The part of `leading` that reads the clocks, which safety asks for.
  clocks: {
    runs: 0,
    run: () => {
      for (let index = 0; index < CALLS; index += 1) {
        process.hrtime.bigint();
        Date.now();
      }
    },
  },
  bare_async: {
    run: async () => {
      for (let index = 0; index < CALLS; index += 1) {
        await jobs.bareAsync();
      }
    },
  },
  leading_async: {
    bare: 'bare_async',
    run: async () => {
      for (let index = 0; index < CALLS; index += 1) {
        await jobs.leadingAsync();
      }
    },
  },
};

async function measureGuard() {
  const rounds = number('n', 2_000);
  /** @type {Map<string, number[]>} */
  const costs = new Map(Object.keys(batches).map((name) => [name, []]));
  // Half as many again before those that count: for the compiler.
  for (let round = -rounds / 2; round < rounds; round += 1) {
    // Heartbeats are sent and answered only when the event loop turns.
    await setImmediate();
    await election.waitForLeadership();
    for (const [name, { run, runs = CALLS }] of Object.entries(batches)) {
      const countBefore = jobs.count;
      const startedAt = process.hrtime.bigint();
      await run();
      const costNs = Number(process.hrtime.bigint() - startedAt) / CALLS;
      if (jobs.count - countBefore !== runs) {
        throw new Error(`${name}: not every call did what it is to do.`);
      }
      if (round >= 0) {
        costs.get(name)?.push(costNs);
      }
    }
  }
  for (const [name, { bare, run }] of Object.entries(batches)) {
    const own = costs.get(name) ?? [];
    const best_ns = Number(Math.min(...own).toFixed(1));
    const label = `guard_${name}`;
    emitValue('own', label, 1, median(own), 'ns a call', { best_ns });
    if (bare !== undefined) {
      const beside = costs.get(bare) ?? [];
      const over = own.map((costNs, round) => costNs - Number(beside[round]));
      emitValue('own', label, 1, median(over), 'ns over bare');
      const bytes = await bytesPerCall(run);
      emitValue('own', label, 1, bytes, 'bytes allocated a call');
    }
  }
}

/**
 * Heap bytes that a call allocates: what some batches, too few for a collection,
 * take more than one does.
 *
 * @param {() => unknown} run
 */
async function bytesPerCall(run) {
  const MORE = 4;
  const samples = [];
  for (let round = 0; round < 9; round += 1) {
    const one = await bytesOf(run, 1);
    const several = await bytesOf(run, 1 + MORE);
    samples.push((several - one) / MORE / CALLS);
  }
  return Math.max(0, Math.round(median(samples)));
}

/** @param {() => unknown} run @param {number} times */
async function bytesOf(run, times) {
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let time = 0; time < times; time += 1) {
    await run();
  }
  return process.memoryUsage().heapUsed - before;
}

async function measureClaim() {
  const floor = await Floor.open(connect, `${basePath}/floor`);
  /** @type {number[]} */ const own = [];
  /** @type {number[]} */ const bare = [];
  for (let i = -number('warm', 100); i < number('n', 200); i += 1) {
    const from = performance.now();
    await jobs.withLedger();
    const ownMs = performance.now() - from;
    const floorMs = await floor.set();
    if (i >= 0) {
      own.push(ownMs);
      bare.push(floorMs);
    }
  }
  floor.close();
  emitTimes('own', metric, 1, own, {
    ratio_floor: Number((median(own) / median(bare)).toFixed(3)),
  });
  emitTimes('floor-npm', metric, 1, bare);
}

/** Tasks with a run ledger, all of them run at every second. */
async function measureLoad() {
  for (const k of numbers('k', [1, 10, 100, 1_000])) {
    let runs = 0;
    const tasks = Array.from({ length: k }, (_, index) =>
      election.onlyLeader(
        async () => {
          runs += 1;
        },
        { ledger: true, task: `load-${k}-${index}` },
      ),
    );
    const runAll = () => Promise.all(tasks.map(async (task) => task()));
    // Once before those that count: the ledgers have to be made and read.
    await runAll();
    runs = 0;
    /** @type {number[]} */ const tookMs = [];
    const seconds = number('seconds', 10);
    let cpu = process.cpuUsage();
    const { received } = await trafficOf(connect, async () => {
      const before = process.cpuUsage();
      for (let second = 0; second < seconds; second += 1) {
        const next = sleep(1_000);
        const from = performance.now();
        await runAll();
        tookMs.push(performance.now() - from);
        await next;
      }
      cpu = process.cpuUsage(before);
    });
    if (runs !== k * seconds) {
      throw new Error(`${runs} runs instead of ${k * seconds}.`);
    }
    emitTimes('own', 'ledger_load_done', k, tookMs);
    const perSecond = received / seconds;
    emitValue('own', 'ledger_load_requests', k, perSecond, 'packets a second');
    const share = (cpu.user + cpu.system) / seconds / 1e4;
    emitValue('own', 'ledger_load_cpu', k, share, '% of a core');
    for (const task of tasks) {
      task.dispose();
    }
  }
}

const measures = {
  guard: measureGuard,
  ledger_claim: measureClaim,
  ledger_load: measureLoad,
};
await measures[/** @type {keyof typeof measures} */ (metric)]();
await app.close();
process.exit(0);
