// @ts-check
/**
 * Many instances on one server: all of them start at once, half of them are
 * killed at once. Two processes hold the sessions, without guardians.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { leadsAt, newInstance } from '../support/instances.mjs';
import {
  basePath,
  connect,
  number,
  numbers,
  OWN,
} from '../support/own-context.mjs';
import { emitTimes, emitValue } from '../support/samples.mjs';
import { trafficOf } from '../support/traffic.mjs';

/** @typedef {import('../support/instances.mjs').Election} Election */

/** Every instance takes part in one of them. */
const MOST_ELECTIONS = 10;

export async function storm() {
  for (const k of numbers('k', [10, 100])) {
    await stormOf(k, number('timeout', 4_000));
  }
}

/** @param {number} k instances @param {number} sessionTimeoutMs */
async function stormOf(k, sessionTimeoutMs) {
  const half = k / 2;
  const path = `${basePath}-storm-${k}`;
  const elections = Math.min(MOST_ELECTIONS, half);
  const child = spawn(
    process.execPath,
    [
      ...[process.argv[1] ?? '', connect, 'storm_half', `k=${half}`],
      ...[`timeout=${sessionTimeoutMs}`, `path=${path}`],
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const lines = createInterface({ input: child.stdout })[
    Symbol.asyncIterator
  ]();
  await lines.next();
  const own = participants(half, path, sessionTimeoutMs);
  let startedMs = 0;
  const start = await trafficOf(connect, async () => {
    const from = performance.now();
    child.stdin.write('go\n');
    await Promise.all([own.start(), lines.next()]);
    startedMs = performance.now() - from;
  });
  emitTimes(OWN, 'storm_start', k, [startedMs]);
  emitValue(
    OWN,
    'storm_start_requests',
    k,
    start.received / k,
    'packets an instance',
  );
  await own.leaveToOthers();
  // All of them have told the server that they live.
  await sleep(sessionTimeoutMs);
  let allLedMs = 0;
  const takeover = await trafficOf(connect, async () => {
    const from = performance.now();
    child.kill('SIGKILL');
    allLedMs = (await own.lastOfAllLed(elections)) - from;
  });
  emitTimes(OWN, 'storm_takeover', k, [allLedMs], {
    session_ms: sessionTimeoutMs,
  });
  emitValue(
    OWN,
    'storm_takeover_requests',
    k,
    (takeover.received * 1_000) / allLedMs,
    'packets a second',
  );
  await own.close();
}

/** The half that is killed: waits for a word, starts, tells when it has joined. */
export async function stormHalf() {
  const path = process.argv.find((each) => each.startsWith('path='));
  const own = participants(
    number('k', 5),
    String(path).slice('path='.length),
    number('timeout', 4_000),
  );
  process.stdout.write('ready\n');
  // It goes with the process that has started it.
  process.stdin.once('end', () => process.exit());
  await new Promise((resolve) => process.stdin.once('data', resolve));
  await own.start();
  process.stdout.write('joined\n');
  await new Promise(() => undefined);
}

/** @param {number} count @param {string} path @param {number} sessionTimeoutMs */
function participants(count, path, sessionTimeoutMs) {
  const elections = Math.min(MOST_ELECTIONS, count);
  const instances = Array.from({ length: count }, (_, index) => {
    const instance = newInstance({
      connectionString: connect,
      basePath: path,
      sessionTimeoutMs,
      guardian: false,
    });
    return { instance, election: instance.get(`e-${index % elections}`) };
  });
  return {
    start: () =>
      Promise.all(
        instances.map(async ({ instance, election }) => {
          const joined = joinsAt(election);
          await instance.start();
          await joined;
        }),
      ),
    /** Resigns where it leads: those that are killed lead all elections. */
    leaveToOthers: async () => {
      for (;;) {
        const leading = instances.filter(
          ({ election }) => election.leadership.role === 'leader',
        );
        if (leading.length === 0) {
          return;
        }
        await Promise.all(leading.map(({ election }) => election.resign()));
        await sleep(100);
      }
    },
    /** Resolves to when the last of all elections got a leader here. */
    lastOfAllLed: async (/** @type {number} */ total) => {
      const led = Array.from({ length: total }, (_, index) =>
        Promise.race(
          instances
            .filter((_each, position) => position % elections === index)
            .map(({ election }) => leadsAt(election)),
        ),
      );
      return Math.max(...(await Promise.all(led)));
    },
    close: () =>
      Promise.all(instances.map(({ instance }) => instance.shutDown())),
  };
}

/** @param {Election} election @returns {Promise<void>} */
function joinsAt(election) {
  return new Promise((resolve) => {
    const subscription = election.leadership$.subscribe(({ role }) => {
      if (role !== 'idle') {
        resolve();
        queueMicrotask(() => subscription.unsubscribe());
      }
    });
  });
}
