// @ts-check
/**
 * `npm run bench:operations`: what it costs a leader with 200 tasks that somebody
 * looks at the dashboard and that Prometheus asks once a second.
 *
 * `npm run bench:operations -- --tasks 200 --seconds 20`
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
    terms: { type: 'boolean', default: false },
  },
});
const tasks = Number(values.tasks);
const seconds = Number(values.seconds);
/** What is asked for: shares of a core, and milliseconds. */
const [MOST_CPU, MOST_STALL_MS] = [0.02, 10];

const zookeeper = await startZookeeper();
const leader = fork(
  fileURLToPath(new URL('support/watched-leader.mjs', import.meta.url)),
  {
    env: {
      ...process.env,
      CONNECT: zookeeper.connectionString,
      TASKS: String(tasks),
    },
  },
);
try {
  const [{ url }] = await once(leader, 'message');
  if (values.terms) {
    await measureTerms();
  } else {
    await measureWatching(url);
  }
} finally {
  leader.kill('SIGKILL');
  await zookeeper.close();
}

/** The first seconds of a term, beside as many in which nothing begins. */
async function measureTerms() {
  await sleep(5_000);
  for (let round = 0; round < 3; round++) {
    const rest = await measure(() => sleep(seconds * 1_000));
    const term = await measure(async () => {
      leader.send('next term');
      await once(leader, 'message');
      await sleep(seconds * 1_000);
    });
    const cpuMs = term.cpu * term.ms - rest.cpu * rest.ms;
    console.log(
      `${tasks} tasks with a ledger: a term begins with ${cpuMs.toFixed(0)} ms of CPU, longest work ${term.longestWorkMs.toFixed(1)} ms (at rest ${rest.longestWorkMs.toFixed(1)} ms), load ${loadavg()[0]?.toFixed(1)}`,
    );
  }
}

/** @param {string} url */
async function measureWatching(url) {
  /** Once everything is compiled, and has been seen by everybody. */
  await withTabAndScrapes(url, () => sleep(5_000));
  const rows = [];
  // Taking turns: the machine may do other things as well.
  for (let round = 0; round < 3; round++) {
    const alone = await measure(() => sleep(seconds * 1_000));
    const watched = await withTabAndScrapes(url, () =>
      measure(() => sleep(seconds * 1_000)),
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
 * @param {() => Promise<unknown>} work
 * @returns {Promise<{ cpu: number, ms: number, longestWorkMs: number, longestDelayMs: number }>}
 */
async function measure(work) {
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
