// @ts-check
/** What the figures are to be, and whether they are. */
import { median } from './samples.mjs';

/** @typedef {import('./table.mjs').Line} Line */

/**
 * What is looked for in the lines of one round; `peer` is this library if it is not
 * given.
 *
 * @typedef {object} Wanted
 * @property {string} [peer]
 * @property {number} [k]
 * @property {string} [unit]
 * @property {number} [session_ms]
 */

/**
 * The median of what a round has of a metric; NaN if it has nothing.
 *
 * @typedef {(metric: string, wanted?: Wanted) => number} Read
 */

/**
 * @typedef {object} Target
 * @property {string} what
 * @property {number} limit
 * @property {(read: Read) => number} figure
 * @property {(read: Read) => number} [beside] without a target: the ratio to our
 *   own client alone
 */

const FLOOR = 'floor-npm';
const CURATOR = 'curator';
const CLIENT = 'client';

/**
 * A metric of this library, divided by that of others.
 *
 * @param {string} metric
 * @param {string} peer
 * @param {Wanted} [wanted]
 * @returns {(read: Read) => number}
 */
const ratio = (metric, peer, wanted) => (read) =>
  read(metric, wanted) / read(metric, { ...wanted, peer });

/** @type {readonly Target[]} */
const targets = [
  {
    what: 'acquire / floor',
    limit: 1.1,
    figure: ratio('acquire', FLOOR),
    beside: ratio('acquire', CLIENT),
  },
  { what: 'acquire / Curator', limit: 0.5, figure: ratio('acquire', CURATOR) },
  {
    what: 'acquire on a new path / Curator',
    limit: 0.5,
    figure: ratio('acquire_new_path', CURATOR),
  },
  {
    what: 'connect + acquire, `guardian: false` / Curator',
    limit: 0.8,
    figure: ratio('connect_acquire', CURATOR),
  },
  {
    what: 'connect + acquire, warm guardian / Curator',
    limit: 0.8,
    figure: (read) =>
      read('connect_acquire_warm') / read('connect_acquire', { peer: CURATOR }),
  },
  {
    what: 'connect + acquire, cold, less the start of a guardian / Curator',
    limit: 0.8,
    figure: (read) =>
      (read('connect_acquire_cold') - read('guardian_start')) /
      read('connect_acquire', { peer: CURATOR }),
  },
  ...[2, 10, 100].flatMap((k) => [
    {
      what: `hand-over among ${k} / event`,
      limit: 1.25,
      figure: ratio('handover', FLOOR, { k }),
      beside: ratio('handover', CLIENT, { k }),
    },
    {
      what: `hand-over among ${k} / Curator`,
      limit: 0.65,
      figure: ratio('handover', CURATOR, { k }),
    },
  ]),
  ...[2, 10].map((k) => ({
    what: `packets for a hand-over among ${k}, with joining again`,
    limit: 5,
    figure: (/** @type {Read} */ read) => read('handover_requests', { k }),
  })),
  {
    what: '1,000 elections / floor',
    limit: 1,
    figure: ratio('many', FLOOR, { k: 1_000 }),
  },
  {
    what: '1,000 elections / Curator',
    limit: 0.35,
    figure: ratio('many', CURATOR, { k: 1_000 }),
  },
  {
    what: '1,000 elections on new paths / Curator',
    limit: 0.25,
    figure: ratio('many_new_path', CURATOR, { k: 1_000 }),
  },
  {
    what: '1,000 elections, KiB of heap an election',
    limit: 1.5,
    figure: (read) => read('many_heap', { k: 1_000 }),
  },
  {
    what: '1,000 elections, process / empty Nest application',
    limit: 1.2,
    figure: (read) => read('many_memory') / read('nest_memory'),
  },
  ...[2_000, 10_000, 40_000].flatMap((session_ms) => [
    {
      what: `kill -9, session timeout ${session_ms / 1_000} s, ms`,
      limit: 25,
      figure: (/** @type {Read} */ read) =>
        read('crash_failover', { session_ms }),
    },
    {
      what: `kill -9, TLS, session timeout ${session_ms / 1_000} s, ms`,
      limit: 100,
      figure: (/** @type {Read} */ read) =>
        read('crash_failover_tls', { session_ms }),
    },
  ]),
  {
    what: 'guard, leading, ns over bare and the two clocks',
    limit: 25,
    figure: (read) =>
      read('guard_leading', { unit: 'ns over bare' }) - read('guard_clocks'),
  },
  {
    what: 'guard, leading, async, ns over bare and the two clocks',
    limit: 120,
    figure: (read) =>
      read('guard_leading_async', { unit: 'ns over bare' }) -
      read('guard_clocks'),
  },
  {
    what: 'first leadership, ms after the boot of Nest',
    limit: 25,
    figure: (read) => read('first_leadership'),
  },
  {
    what: 'idle leader and heir, packets a minute (T = 10 s)',
    limit: 72,
    figure: (read) => read('idle_requests'),
  },
  {
    what: 'idle application, % of a core',
    limit: 0.02,
    figure: (read) => read('idle_application'),
  },
  {
    what: 'idle guardian, % of a core',
    limit: 0.02,
    figure: (read) => read('idle_guardian', { unit: '% of a core' }),
  },
  {
    what: 'guardian, MiB resident',
    limit: 46,
    figure: (read) => read('guardian_memory', { unit: 'MiB resident' }),
  },
  {
    what: 'guardian, MiB private above an empty Node.js',
    limit: 2,
    figure: (read) =>
      read('guardian_memory', { unit: 'MiB private above an empty Node.js' }),
  },
  { what: 'import, ms', limit: 20, figure: (read) => read('import') },
  { what: 'import, MiB', limit: 3, figure: (read) => read('import_memory') },
  {
    what: 'event loop, 100 elections asked / bare, 99th percentile',
    limit: 1.05,
    figure: (read) => read('event_loop') / read('event_loop_bare'),
  },
];

/**
 * A row for each target that was measured: ratios are taken within a round, then
 * their median counts.
 *
 * @param {readonly Line[]} lines
 */
export function targetRows(lines) {
  const rounds = [...new Set(lines.map(({ round }) => round))].map((round) =>
    reader(lines.filter((line) => line.round === round)),
  );
  return targets.flatMap(({ what, limit, figure, beside }) => {
    const values = rounds.map(figure).filter(Number.isFinite);
    if (values.length === 0) {
      return [];
    }
    const value = median(values);
    const besides = beside ? rounds.map(beside).filter(Number.isFinite) : [];
    return [
      [
        what,
        short(limit),
        short(value),
        value <= limit ? 'yes' : '**no**',
        besides.length > 0 ? short(median(besides)) : '',
      ],
    ];
  });
}

/** @param {readonly Line[]} lines of one round @returns {Read} */
function reader(lines) {
  return (metric, { peer = 'own', ...wanted } = {}) => {
    const found = lines.filter(
      (line) =>
        line.peer === peer &&
        line.metric === metric &&
        Object.entries(wanted).every(
          ([key, value]) =>
            value === undefined ||
            line[/** @type {keyof Line} */ (key)] === value,
        ),
    );
    return found.length > 0
      ? median(found.map(({ median_ms, value }) => Number(median_ms ?? value)))
      : NaN;
  };
}

/** @param {number} value */
const short = (value) => Number(value.toPrecision(3)).toString();
