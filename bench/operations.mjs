// @ts-check
/**
 * `npm run bench:operations`: what it costs a leader with 200 tasks that somebody
 * looks at it: for how long one list of the tasks, one scrape of the metrics and one
 * state of the dashboard block its event loop, and what an open dashboard and a scrape
 * a second take of a core.
 *
 * `npm run bench:operations -- --tasks 200 --seconds 20`
 *
 * With `--looks`: only what one look costs.
 *
 * With `--terms`: what the beginning of a term costs, with a ledger for each task.
 * `npm run bench:operations -- --terms --tasks 1000`
 *
 * Work is what the process did in one go, by the clock of the CPU. Delay is how late
 * its timers were: on a busy machine also because others had their turn.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { startZookeeper } from '../scripts/zookeeper/server.mjs';

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '20' },
    looks: { type: 'boolean', default: false },
    terms: { type: 'boolean', default: false },
  },
});
/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

const tasks = Number(values.tasks);
const seconds = Number(values.seconds);
/** What is asked for: a share of a core, and milliseconds. */
const [MOST_CPU, MOST_STALL_MS] = [0.02, 10];
const [MOST_LOOK_MS, MOST_TERM_MS] = [5, 1_000];
/** Leaders whose looks are measured: a process has only one first look. */
const LEADERS = 5;

const zookeeper = await startZookeeper();
try {
  if (!values.terms) {
    await measureLooks();
  }
  if (!values.looks) {
    await withLeader(values.terms ? measureTerms : measureWatching);
  }
} finally {
  await zookeeper.close();
}

/** @param {string} program */
function start(program) {
  return fork(
    fileURLToPath(new URL(`support/${program}.mjs`, import.meta.url)),
    {
      env: {
        ...process.env,
        CONNECT: zookeeper.connectionString,
        TASKS: String(tasks),
      },
    },
  );
}

/** @param {(leader: ChildProcess, url: string) => Promise<void>} work */
async function withLeader(work) {
  const leader = start('watched-leader');
  try {
    const [{ url }] = await once(leader, 'message');
    await work(leader, url);
  } finally {
    leader.kill('SIGKILL');
  }
}

/** How long one look blocks the event loop. */
async function measureLooks() {
  /** @type {Map<string, number[]>} */
  const looks = new Map();
  for (let round = 0; round < LEADERS; round++) {
    const leader = start('looked-at-leader');
    const [[figures]] = await Promise.all([
      once(leader, 'message'),
      once(leader, 'exit'),
    ]);
    for (const [look, blocks] of Object.entries(figures)) {
      looks.set(look, [...(looks.get(look) ?? []), ...blocks]);
    }
  }
  console.log(
    `${tasks} tasks of different expressions and zones, ${LEADERS} leaders, load ${loadavg()[0]?.toFixed(1)}. Longest block of the event loop by one look:\n`,
  );
  console.log(
    `| look | n | median | worst | median below ${MOST_LOOK_MS} ms |`,
  );
  console.log('| ---- | - | ------ | ----- | ---- |');
  for (const [look, blocks] of looks) {
    const median = middle(blocks);
    console.log(
      `| ${look} | ${blocks.length} | ${median.toFixed(1)} ms | ${Math.max(...blocks).toFixed(1)} ms | ${median < MOST_LOOK_MS ? 'met' : 'NOT met'} |`,
    );
  }
  console.log();
}

/**
 * The first seconds of a term, beside as many in which nothing begins.
 *
 * @param {ChildProcess} leader
 */
async function measureTerms(leader) {
  await sleep(5_000);
  for (let round = 0; round < 3; round++) {
    const rest = await measure(leader, () => sleep(seconds * 1_000));
    const term = await measure(leader, async () => {
      leader.send('next term');
      await once(leader, 'message');
      await sleep(seconds * 1_000);
    });
    const cpuMs = term.cpu * term.ms - rest.cpu * rest.ms;
    console.log(
      `${tasks} tasks with a ledger: a term begins with ${cpuMs.toFixed(0)} ms of CPU (asked for: below ${MOST_TERM_MS} ms: ${cpuMs < MOST_TERM_MS ? 'met' : 'NOT met'}), longest work ${term.longestWorkMs.toFixed(1)} ms (at rest ${rest.longestWorkMs.toFixed(1)} ms), load ${loadavg()[0]?.toFixed(1)}`,
    );
  }
}

/** @param {ChildProcess} leader @param {string} url */
async function measureWatching(leader, url) {
  /** Once everything is compiled, and has been seen by everybody. */
  await withTabAndScrapes(url, () => sleep(5_000));
  const rows = [];
  // Taking turns: the machine may do other things as well.
  for (let round = 0; round < 3; round++) {
    const alone = await measure(leader, () => sleep(seconds * 1_000));
    const watched = await withTabAndScrapes(url, () =>
      measure(leader, () => sleep(seconds * 1_000)),
    );
    rows.push({ alone, watched, cpu: watched.cpu - alone.cpu });
  }
  const cpu = middle(rows.map((row) => row.cpu));
  const stallMs = middle(rows.map(({ watched }) => watched.longestWorkMs));
  console.log(
    `${tasks} tasks, a tab and a scrape per second, ${rows.length} rounds of ${seconds} s, load ${loadavg()[0]?.toFixed(1)}\n`,
  );
  console.log(
    '| round | core alone | core watched | difference | longest work alone | longest work watched | longest delay alone | longest delay watched |',
  );
  console.log(
    '| ----- | ---------- | ------------ | ---------- | ------------------ | -------------------- | ------------------- | --------------------- |',
  );
  for (const [index, { alone, watched, cpu: more }] of rows.entries()) {
    console.log(
      `| ${index + 1} | ${percent(alone.cpu)} | ${percent(watched.cpu)} | ${percent(more)} | ${alone.longestWorkMs.toFixed(1)} ms | ${watched.longestWorkMs.toFixed(1)} ms | ${alone.longestDelayMs.toFixed(1)} ms | ${watched.longestDelayMs.toFixed(1)} ms |`,
    );
  }
  console.log(
    `\nMedian: ${percent(cpu)} of a core (asked for: below ${percent(MOST_CPU)}), longest stall ${stallMs.toFixed(1)} ms (below ${MOST_STALL_MS} ms): ${
      cpu < MOST_CPU && stallMs < MOST_STALL_MS ? 'met' : 'NOT met'
    }.`,
  );
}

/**
 * A tab is a stream that is read; the page itself does not ask for more.
 *
 * @template Result
 * @param {string} url
 * @param {() => Promise<Result>} work
 */
async function withTabAndScrapes(url, work) {
  const gone = new AbortController();
  const { body } = await fetch(`${url}/leadership/api/events`, {
    signal: gone.signal,
  });
  body?.pipeTo(new WritableStream()).catch(() => undefined);
  const scrapes = setInterval(() => {
    fetch(`${url}/metrics`)
      .then((response) => response.arrayBuffer())
      .catch(() => undefined);
  }, 1_000);
  try {
    return await work();
  } finally {
    clearInterval(scrapes);
    gone.abort();
  }
}

/**
 * What the leader's process has used meanwhile, by its own account.
 *
 * @param {ChildProcess} leader
 * @param {() => Promise<unknown>} work
 * @returns {Promise<{ cpu: number, ms: number, longestWorkMs: number, longestDelayMs: number }>}
 */
async function measure(leader, work) {
  leader.send('begin');
  await once(leader, 'message');
  await work();
  leader.send('end');
  const [figures] = await once(leader, 'message');
  return figures;
}

/** @param {readonly number[]} numbers */
function middle(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? NaN;
}

/** @param {number} share */
function percent(share) {
  return `${(share * 100).toFixed(2)} %`;
}
