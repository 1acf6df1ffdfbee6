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

const PEERS = ['own', 'floor-npm', 'curator', 'kazoo', 'etcd'];

/**
 * For each metric the medians over the rounds, and the medians of the ratios of
 * one round: only what was measured in the same minutes can be compared.
 *
 * @param {readonly Line[]} lines
 */
export function ratioTable(lines) {
  const timed = lines.filter(
    ({ median_ms, peer }) => median_ms !== undefined && PEERS.includes(peer),
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
  return markdown(['', 'at most', 'median', 'met'], targetRows(lines));
}

/** What is no time: counts, memory, shares. @param {readonly Line[]} lines */
export function valueTable(lines) {
  const values = lines.filter(({ value }) => value !== undefined);
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
