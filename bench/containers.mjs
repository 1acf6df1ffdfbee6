// @ts-check
/**
 * `npm run bench:containers`: how long nobody leads when an instance dies, by how
 * it dies and where it runs.
 *
 *   npm run bench:containers                       all of it, 20 minutes
 *   npm run bench:containers -- --most 8           8 times at most, 10 minutes
 *   npm run bench:containers -- --places run,bare --ways kill,heap
 *   npm run bench:containers -- --servers tls-sasl,ensemble
 *   npm run bench:containers -- --write            into docs/deployment.md
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Logger } from '@nestjs/common';
import { LeaderElections } from '../dist/esm/election/leader-elections.js';
import { resolveOptions } from '../dist/esm/zookeeper-leader.options.js';
import {
  canLimitMemory,
  Instance,
  PLACES,
  whyNot,
} from './containers/places.mjs';
import { SERVERS } from './containers/servers.mjs';

/**
 * How an instance dies. `signal`: to node itself; `all`: SIGKILL to every process
 * of the container; without, it does it itself.
 *
 * `isHard`: node cannot say a last word.
 *
 * @typedef {object} Way
 * @property {string} title
 * @property {NodeJS.Signals} [signal]
 * @property {true} [isGroup]
 * @property {true} [isLimited]
 * @property {true} [isHard]
 */

/** @type {Record<string, Way>} */
const WAYS = {
  kill: { title: '`kill -9`', signal: 'SIGKILL', isHard: true },
  term: { title: 'SIGTERM', signal: 'SIGTERM' },
  heap: { title: 'heap out of memory', isHard: true },
  abort: { title: '`process.abort()`', isHard: true },
  exit: { title: '`process.exit()`' },
  exception: { title: 'uncaught exception' },
  memory: {
    title: 'killed for memory (cgroup)',
    isLimited: true,
    isHard: true,
  },
  // Measured with the one before.
  released: { title: 'the same, from when the kernel has freed its memory' },
  group: {
    title: 'all processes killed (as `memory.oom.group`)',
    isGroup: true,
    isHard: true,
  },
};
/** So often where it is promised, and where it ends by a timeout. */
const PROMISED = 20;
const USUAL = 5;
const BY_TIMEOUT = 2;
const SLOW_MS = 2_000;
/** What ends by a timeout is not hurried, and not disturbed by the others. */
const SLOW_AT_ONCE = 4;
const SESSION_TIMEOUT_MS = 10_000;
const COMMON = {
  basePath: '/bench-containers',
  sessionTimeoutMs: SESSION_TIMEOUT_MS,
};
const LONGEST_MS = 45_000;
/** Before it dies, for what it has begun to come to rest. */
const REST_MS = 300;
const DOCUMENT = fileURLToPath(
  new URL('../docs/deployment.md', import.meta.url),
);

const { values } = parseArgs({
  options: {
    places: { type: 'string', default: Object.keys(PLACES).join() },
    ways: { type: 'string', default: Object.keys(WAYS).join() },
    servers: { type: 'string', default: Object.keys(SERVERS).join() },
    most: { type: 'string', default: String(PROMISED) },
    write: { type: 'boolean', default: false },
  },
});

Logger.overrideLogger(false);

/**
 * @typedef {object} Scene
 * @property {import('./containers/servers.mjs').Servers} servers
 * @property {LeaderElections} successors
 */

/** @param {string} kind of servers */
async function openScene(kind) {
  const start = SERVERS[kind];
  if (!start) throw new Error(`There are no servers of the kind ${kind}.`);
  const servers = await start();
  const successors = new LeaderElections(
    resolveOptions({ ...servers.options, ...COMMON, instanceId: 'successor' }),
    { instanceId: 'successor', host: 'bench', pid: process.pid },
    'bench',
  );
  return { servers, successors };
}

/** Takes over in one election, time and again. */
class Successor {
  leadsSinceNs = 0n;

  /**
   * @param {Scene} scene
   * @param {string} election
   */
  constructor({ servers, successors }, election) {
    this.servers = servers;
    this.election = election;
    this.managed = successors.find(election, 'bench');
    this.managed.leadership$.subscribe(({ role }) => {
      this.leadsSinceNs = role === 'leader' ? process.hrtime.bigint() : 0n;
    });
  }
}

/**
 * @param {() => unknown} condition
 * @param {string} what
 */
async function until(condition, what) {
  const deadline = performance.now() + LONGEST_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`no ${what}`);
    await sleep(1);
  }
}

/**
 * Milliseconds from the death of a leader to the next leadership, and from when the
 * kernel has closed its files: it frees its memory first.
 *
 * @param {string} place
 * @param {string} way
 * @param {Successor} successor
 */
async function measure(place, way, successor) {
  const { signal, isGroup, isLimited = false } = WAYS[way] ?? {};
  await until(() => successor.leadsSinceNs, 'leadership of the successor');
  const { servers } = successor;
  const options = { ...servers.options, ...servers.ownOptions, ...COMMON };
  const instance = await Instance.start(place, {
    options: { ...options, instanceId: `${place}-${way}` },
    election: successor.election,
    die: way,
    isLimited,
  });
  try {
    await until(() => instance.when('follower'), 'follower');
    await successor.managed.resign();
    await until(() => instance.when('leader'), 'leader');
    await until(
      () => successor.managed.leadership.role === 'follower',
      'successor',
    );
    await sleep(REST_MS);
    const { node, all } = instance.pids();
    let atNs = process.hrtime.bigint();
    if (isGroup) {
      for (const pid of all) process.kill(pid, 'SIGKILL');
    } else {
      process.kill(Number(node), signal ?? 'SIGUSR2');
    }
    servers.lose();
    await until(() => {
      if (isLimited && instance.oomKills() === 0) {
        atNs = process.hrtime.bigint();
      }
      return successor.leadsSinceNs;
    }, 'next leader');
    const nextNs = successor.leadsSinceNs;
    if (way === 'heap') atNs = instance.lastWordsNs;
    else if (signal !== 'SIGKILL' && !isGroup && !isLimited)
      atNs = instance.when('dying') ?? atNs;
    const since = (/** @type {bigint} */ ns) =>
      Math.max(0, Number(nextNs - ns) / 1e6);
    const { filesClosedNs } = instance;
    return {
      ms: since(atNs),
      releasedMs: filesClosedNs ? since(filesClosedNs) : undefined,
    };
  } finally {
    await instance.close();
    await servers.restore();
  }
}

/** @param {number[]} samples */
function format(samples) {
  const sorted = samples.toSorted((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  const show = (/** @type {number} */ ms) =>
    ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms)}`;
  const slow = sorted.filter((ms) => ms > SLOW_MS).length;
  const mixed = slow > 0 && slow < sorted.length ? `, ${slow} by timeout` : '';
  return `${show(median)} (${show(sorted.at(-1) ?? 0)}, n=${sorted.length}${mixed})`;
}

/** @type {Map<string, string>} */
const cells = new Map();
/** @type {string[]} */
const notes = [];
const kinds = values.servers.split(',');
const ways = values.ways.split(',').filter((way) => way !== 'released');
const places = values.places.split(',').filter((place) => {
  const why = whyNot(place);
  if (why) {
    notes.push(`${PLACES[place]?.title}: skipped, ${why}.`);
    console.log(notes.at(-1));
  }
  return !why;
});

/**
 * Whether nobody is left there to close the session.
 *
 * @param {string} place
 * @param {string} way
 */
function endsByTimeout(place, way) {
  const { isHard, isGroup } = WAYS[way] ?? {};
  const { sidecar, hasGuardian } = PLACES[place] ?? {};
  return Boolean(isGroup ? !sidecar : isHard && !sidecar && !hasGuardian);
}

/**
 * @param {string} place
 * @param {string} way
 * @param {Successor} successor
 */
async function fill(place, way, successor) {
  if (WAYS[way]?.isLimited && !canLimitMemory()) {
    cells.set(`${place} ${way}`, 'skipped');
    return;
  }
  const isPromised =
    ['run', 'sidecar'].includes(place) || (place === 'bare' && way === 'kill');
  const count = Math.min(Number(values.most), isPromised ? PROMISED : USUAL);
  /** @type {number[]} */
  const samples = [];
  /** @type {number[]} */
  const released = [];
  let problem = '';
  while (samples.length < count) {
    try {
      const { ms, releasedMs } = await measure(place, way, successor);
      samples.push(ms);
      if (releasedMs !== undefined) released.push(releasedMs);
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
      break;
    }
    const slow = samples.filter((ms) => ms > SLOW_MS).length;
    if (slow >= BY_TIMEOUT && slow === samples.length) break;
  }
  const text = samples.length > 0 ? format(samples) : problem;
  cells.set(`${place} ${way}`, text);
  if (WAYS[way]?.isLimited && released.length > 0) {
    cells.set(`${place} released`, format(released));
    console.log(`${place} released: ${format(released)}`);
  }
  console.log(`${place} ${way}: ${text}${problem && ` (${problem})`}`);
}

const startLoad = loadavg()[0] ?? NaN;
const all = places.flatMap((place) => ways.map((way) => ({ place, way })));

/** Each place and way, beside one server. */
async function fillAll() {
  const scene = await openScene('one');
  const slow = all.filter(({ place, way }) => endsByTimeout(place, way));
  const lanes = Array.from(
    { length: SLOW_AT_ONCE },
    (_, lane) => new Successor(scene, `lane-${lane}`),
  );
  try {
    await scene.successors.start();
    for (const { place, way } of all) {
      if (!endsByTimeout(place, way)) {
        await fill(place, way, /** @type {Successor} */ (lanes[0]));
      }
    }
    await Promise.all(
      lanes.map(async (successor) => {
        for (let cell; (cell = slow.shift());) {
          await fill(cell.place, cell.way, successor);
        }
      }),
    );
  } finally {
    await scene.successors.shutDown();
    await scene.servers.close();
  }
}

/**
 * `kill -9` where there is a guardian, beside other servers. Resolves to a row.
 *
 * @param {string} kind
 */
async function fillKills(kind) {
  const scene = await openScene(kind);
  try {
    const successor = new Successor(scene, 'default');
    await scene.successors.start();
    console.log(`${scene.servers.title}:`);
    for (const place of guarded) await fill(place, 'kill', successor);
    const figures = guarded.map((place) => cells.get(`${place} kill`) ?? '');
    return [scene.servers.title, ...figures];
  } finally {
    await scene.successors.shutDown();
    await scene.servers.close();
  }
}

/** @param {string[][]} rows @param {string[]} remarks */
function toTable([head = [], ...rows], remarks) {
  return [
    ...[head, head.map(() => '---'), ...rows].map(
      (row) => `| ${row.join(' | ')} |`,
    ),
    '',
    `Node.js ${process.versions.node}, ${cpus().length} cores, session timeout ` +
      `${SESSION_TIMEOUT_MS / 1000} s, load average ${startLoad.toFixed(1)} at the start.`,
    ...remarks,
  ].join('\n');
}

/** @param {string} name of the table @param {string} table */
function publish(name, table) {
  console.log(`\n${table}\n`);
  if (values.write) {
    const text = readFileSync(DOCUMENT, 'utf8');
    const marked = new RegExp(`(<!-- ${name} -->\\n)[^]*?(<!-- /${name} -->)`);
    writeFileSync(DOCUMENT, text.replace(marked, `$1\n${table}\n\n$2`));
  }
}

const titleOf = (/** @type {string} */ place) => PLACES[place]?.title ?? place;
if (kinds.includes('one')) {
  await fillAll();
  const shown = places.filter((place) =>
    ways.some((way) => cells.has(`${place} ${way}`)),
  );
  const rows = ways
    .flatMap((way) => (WAYS[way]?.isLimited ? [way, 'released'] : [way]))
    .map((way) => [
      WAYS[way]?.title ?? way,
      ...shown.map((place) => cells.get(`${place} ${way}`) ?? ''),
    ]);
  const head = ['how it dies', ...shown.map(titleOf)];
  publish(
    'bench:containers',
    toTable([head, ...rows], ['One ZooKeeper server.', ...notes]),
  );
}
const guarded = places.filter((place) =>
  ['bare', 'run', 'sidecar'].includes(place),
);
const others = kinds.filter((kind) => kind !== 'one');
if (others.length > 0 && ways.includes('kill')) {
  const rows = [['`kill -9` beside', ...guarded.map(titleOf)]];
  for (const kind of others) rows.push(await fillKills(kind));
  publish('bench:containers:servers', toTable(rows, notes));
}
