// @ts-check
/**
 * What one look at a leader costs: the longest time for which it blocks the event
 * loop. Everything is measured inside of the process that is looked at.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const DAY_MS = 86_400_000;
const YEAR_MS = 365.25 * DAY_MS;
/** Nights in which clocks change in Europe, in America, in Chile and on Lord Howe. */
const NIGHTS = ['2026-10-25', '2026-11-01', '2027-04-03', '2027-03-28'];

/**
 * Time by the clock of the CPU where that is shorter: a busy machine does not make it
 * longer. The CPU also counts threads that collect garbage.
 */
function stopwatch() {
  const began = { at: performance.now(), cpu: process.cpuUsage() };
  return () => {
    const { user, system } = process.cpuUsage(began.cpu);
    return Math.min(performance.now() - began.at, (user + system) / 1_000);
  };
}

/** @param {() => unknown} act which awaits nothing */
function blockOf(act) {
  const elapsed = stopwatch();
  act();
  return elapsed();
}

/**
 * The longest turn of the event loop during something.
 *
 * @param {() => unknown} act
 */
export async function longestTurn(act) {
  let longest = 0;
  let isOver = false;
  let elapsed = stopwatch();
  const turn = () => {
    longest = Math.max(longest, elapsed());
    elapsed = stopwatch();
    if (!isOver) {
      setImmediate(turn);
    }
  };
  setImmediate(turn);
  await act();
  isOver = true;
  await new Promise((resolve) => setImmediate(resolve));
  return longest;
}

/**
 * @template Result
 * @param {number} atMs what the wall clock shows meanwhile
 * @param {() => Result} act which awaits nothing
 */
function atTime(atMs, act) {
  const { now } = Date;
  Date.now = () => atMs;
  try {
    return act();
  } finally {
    Date.now = now;
  }
}

/**
 * @param {number} times
 * @param {(index: number) => number | Promise<number>} measure
 */
async function repeat(times, measure) {
  /** @type {number[]} */
  const values = [];
  for (let index = 0; index < times; index++) {
    await sleep(10);
    values.push(await measure(index));
  }
  return values;
}

/**
 * @param {{ list(): readonly unknown[] }} tasks
 * @returns {Promise<Record<string, number[]>>}
 */
export async function measureLists(tasks) {
  const look = () => tasks.list();
  const first = [blockOf(look)];
  const now = Date.now();
  return {
    'list, the first one': first,
    'list, again': await repeat(40, () => blockOf(look)),
    'list, all ticks have passed': await repeat(40, (index) =>
      atTime(now + (index + 1) * DAY_MS, () => blockOf(look)),
    ),
    'list, rare ticks have passed': await repeat(20, (index) =>
      atTime(now + (index + 1) * YEAR_MS, () => blockOf(look)),
    ),
    'list, clocks change': await repeat(40, (index) => {
      const night = Date.parse(`${NIGHTS[index % NIGHTS.length]}T00:00:00Z`);
      // The night before has been looked at, as in real life.
      atTime(night - DAY_MS, look);
      const atMs = night + Math.floor(index / NIGHTS.length) * 600_000;
      return atTime(atMs, () => blockOf(look));
    }),
  };
}

/**
 * @param {import('prom-client').Registry} registry
 * @returns {Promise<Record<string, number[]>>}
 */
export async function measureScrapes(registry) {
  let ownMs = 0;
  for (const { name } of await registry.getMetricsAsJSON()) {
    const metric = /** @type {{ collect?: () => unknown }} */ (
      /** @type {unknown} */ (registry.getSingleMetric(name))
    );
    const { collect } = metric;
    if (collect) {
      metric.collect = function () {
        const elapsed = stopwatch();
        const result = collect.call(this);
        ownMs += elapsed();
        return result;
      };
    }
  }
  /** @type {number[]} */
  const own = [];
  const turns = await repeat(40, async () => {
    ownMs = 0;
    const longest = await longestTurn(() => registry.metrics());
    own.push(ownMs);
    return longest;
  });
  return { scrape: turns, 'scrape, the part of the library': own };
}

/**
 * @param {{ read(): Promise<unknown> }} state
 * @returns {Promise<Record<string, number[]>>}
 */
export async function measureDashboard(state) {
  const read = () => longestTurn(() => state.read());
  return {
    'dashboard, the first state': [await read()],
    'dashboard, again': await repeat(20, read),
    'nothing, for a second': await repeat(3, () =>
      longestTurn(() => sleep(1_000)),
    ),
  };
}
