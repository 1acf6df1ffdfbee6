// @ts-check
/** Tables of what the programs reported. */
import { median } from './samples.mjs';
import { targetRows } from './targets.mjs';

/**
 * @typedef {object} Line
 * @property {number} round
 * @property {number} load of the machine when the program began
 * @property {string} peer
 * @property {string} metric
 * @property {number} k
 * @property {number} [session_ms]
 * @property {number} [median_ms]
 * @property {number} [ratio_floor]
 * @property {number} [value]
 * @property {string} [unit]
 */

const PEERS = ['own', 'client', 'floor-npm', 'curator', 'kazoo', 'etcd'];
/** In tables of their own: see {@link growthTable}. */
const GROWTH = /^(?:participants|storm|ledger_load)_/;

/**
 * For each metric the medians over the rounds, and the medians of the ratios of
 * one round: only what was measured in the same minutes can be compared.
 *
 * @param {readonly Line[]} lines
 */
export function ratioTable(lines) {
  const timed = lines.filter(
    ({ median_ms, peer, metric }) =>
      median_ms !== undefined && PEERS.includes(peer) && !GROWTH.test(metric),
  );
  const rows = [...groupBy(timed, nameOf)].map(([name, group]) => {
    const of = (/** @type {string} */ peer) =>
      group.filter((line) => line.peer === peer);
    const times = PEERS.map((peer) => spread(of(peer).map(msOf)));
    const ratios = PEERS.slice(1).map((peer) => ratio(of('own'), of(peer)));
    return [name, ...times, ...ratios];
  });
  return markdown(
    [
      'metric',
      ...PEERS.map((peer) => `${peer}, ms`),
      ...PEERS.slice(1).map((peer) => `own / ${peer}`),
    ],
    rows,
  );
}

/** What is asked of the library, and what came out. @param {readonly Line[]} lines */
export function targetTable(lines) {
  return markdown(
    ['what', 'at most', 'median', 'met', 'ratio to our client alone'],
    targetRows(lines),
  );
}

/** What is no time: counts, memory, shares. @param {readonly Line[]} lines */
export function valueTable(lines) {
  const values = lines.filter(
    ({ value, metric }) => value !== undefined && !GROWTH.test(metric),
  );
  const groups = groupBy(
    values,
    (line) => `${nameOf(line)} | ${line.peer} | ${line.unit}`,
  );
  return markdown(
    ['metric', 'of', 'unit', 'median [lowest..highest]'],
    [...groups].map(([name, group]) => [
      ...name.split(' | '),
      spread(group.map(({ value }) => Number(value))),
    ]),
  );
}

/**
 * How cost grows: what grows in rows, figures in columns.
 *
 * @param {readonly Line[]} lines
 */
export function growthTable(lines) {
  return GROWTHS.flatMap(({ title, peers, columns }) => {
    const read = (
      /** @type {string} */ peer,
      /** @type {number} */ k,
      /** @type {{ metric: string, unit?: string }} */ { metric, unit },
    ) =>
      lines.filter(
        (line) =>
          line.peer === peer &&
          line.k === k &&
          line.metric === metric &&
          (unit === undefined || line.unit === unit),
      );
    const rows = peers.flatMap((peer) => {
      const of = lines.filter(
        (line) => line.peer === peer && line.metric === columns[0]?.metric,
      );
      const sizes = [...new Set(of.map(({ k }) => k))].toSorted(
        (a, b) => a - b,
      );
      return sizes.map((k) => [
        ...(peers.length > 1 ? [peer] : []),
        k.toLocaleString('en'),
        ...columns.map((column) => {
          const found = read(peer, k, column).map((line) =>
            Number(line.median_ms ?? line.value),
          );
          return found.length > 0 ? digits(median(found)) : '';
        }),
      ]);
    });
    const head = [
      ...(peers.length > 1 ? ['of'] : []),
      title,
      ...columns.map(({ name }) => name),
    ];
    return rows.length > 0 ? [markdown(head, rows)] : [];
  }).join('\n\n');
}

/** @type {{ title: string, peers: string[], columns: { name: string, metric: string, unit?: string }[] }[]} */
const GROWTHS = [
  {
    title: 'participants',
    peers: ['own'],
    columns: [
      { name: 'hand-over, ms', metric: 'participants_handover' },
      { name: 'packets', metric: 'participants_handover_requests' },
      {
        name: 'bytes sent by the server',
        metric: 'participants_handover_bytes',
        unit: 'bytes sent',
      },
      { name: 'joining, ms', metric: 'participants_join' },
      { name: 'packets', metric: 'participants_join_requests' },
      {
        name: 'bytes sent by the server',
        metric: 'participants_join_bytes',
        unit: 'bytes sent',
      },
    ],
  },
  {
    title: 'elections of one process',
    peers: ['own', 'curator'],
    columns: [
      { name: 'all lead, ms', metric: 'many' },
      { name: 'on new paths, ms', metric: 'many_new_path' },
      { name: 'packets an election', metric: 'many_requests' },
      { name: 'on new paths', metric: 'many_new_path_requests' },
      { name: 'KiB of heap an election', metric: 'many_heap' },
    ],
  },
  {
    title: 'instances on one server',
    peers: ['own', 'curator', 'kazoo'],
    columns: [
      { name: 'all have joined, ms', metric: 'storm_start' },
      { name: 'packets an instance', metric: 'storm_start_requests' },
      { name: 'half killed: all elections led, ms', metric: 'storm_takeover' },
      { name: 'packets a second', metric: 'storm_takeover_requests' },
    ],
  },
  {
    title: 'ledger tasks, one run a second each',
    peers: ['own'],
    columns: [
      { name: 'all of a second have run, ms', metric: 'ledger_load_done' },
      { name: 'packets a second', metric: 'ledger_load_requests' },
      { name: '% of a core', metric: 'ledger_load_cpu' },
    ],
  },
];

/**
 * @param {readonly Line[]} lines
 * @param {(line: Line) => string} keyOf
 */
function groupBy(lines, keyOf) {
  /** @type {Map<string, Line[]>} */
  const groups = new Map();
  for (const line of lines) {
    const key = keyOf(line);
    groups.set(key, [...(groups.get(key) ?? []), line]);
  }
  return groups;
}

/** @param {Line} line */
function nameOf({ metric, k, session_ms }) {
  const detail = session_ms === undefined ? '' : `, T=${session_ms / 1_000} s`;
  return `${metric}${k > 1 && session_ms === undefined ? ` (${k})` : ''}${detail}`;
}

/** @param {Line} line */
const msOf = ({ median_ms }) => Number(median_ms);

/** @param {readonly Line[]} own @param {readonly Line[]} other */
function ratio(own, other) {
  const ratios = own.flatMap((line) => {
    const same = other.filter(({ round }) => round === line.round);
    return same.length > 0 ? [msOf(line) / median(same.map(msOf))] : [];
  });
  return spread(ratios);
}

/** @param {readonly number[]} values */
function spread(values) {
  if (values.length === 0) {
    return '';
  }
  const [middle, lowest, highest] = [
    median(values),
    Math.min(...values),
    Math.max(...values),
  ].map(digits);
  return values.length === 1
    ? `${middle}`
    : `${middle} [${lowest}..${highest}]`;
}

/** @param {number} value */
function digits(value) {
  return Number(value.toPrecision(value >= 100 ? 4 : 3)).toString();
}

/** @param {string[]} head @param {string[][]} rows */
function markdown(head, rows) {
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}
