// @ts-check
/** What the figures are to be, and whether they are. */
import { median } from './samples.mjs';

/** @typedef {import('./table.mjs').Line} Line */

/**
 * @typedef {object} Target
 * @property {string} what
 * @property {number} limit
 * @property {string} metric
 * @property {string} [over] the peer that the time is divided by; by default the
 *   figure itself counts
 * @property {string} [overMetric] of the peer, if it is another one
 * @property {string} [unit] of the figure
 * @property {number} [k]
 * @property {number} [sessionMs]
 */

const CURATOR = 'curator';
const FLOOR = 'floor-npm';

/** @type {readonly Target[]} */
const targets = [
  { what: 'acquire / protocol', limit: 1.5, metric: 'acquire', over: FLOOR },
  { what: 'acquire / Curator', limit: 0.7, metric: 'acquire', over: CURATOR },
  ...[2, 10, 100].flatMap((k) => [
    {
      what: `hand-over among ${k} / event`,
      limit: 1.5,
      metric: 'handover',
      over: FLOOR,
      k,
    },
    {
      what: `hand-over among ${k} / Curator`,
      limit: 0.8,
      metric: 'handover',
      over: CURATOR,
      k,
    },
  ]),
  {
    what: '1,000 elections, time / Curator',
    limit: 0.5,
    metric: 'many',
    over: CURATOR,
  },
  {
    what: '1,000 elections, memory / Curator',
    limit: 0.25,
    metric: 'many_memory',
    over: CURATOR,
  },
  ...[
    { sessionMs: 2_000, limit: 1 / 50 },
    { sessionMs: 10_000, limit: 1 / 200 },
  ].map(({ sessionMs, limit }) => ({
    what: `kill -9, session timeout ${sessionMs / 1_000} s / Curator`,
    limit,
    metric: 'crash_failover',
    over: CURATOR,
    sessionMs,
  })),
  {
    what: 'kill -9 of the keeper too, 2 s / Curator',
    limit: 1.1,
    metric: 'crash_failover_both',
    overMetric: 'crash_failover',
    over: CURATOR,
    sessionMs: 2_000,
  },
  { what: 'keeper, MiB resident', limit: 45, metric: 'keeper_memory' },
  { what: 'keeper idle, % of a core', limit: 0.1, metric: 'idle_keeper' },
  { what: 'first leadership, ms', limit: 300, metric: 'connect_acquire' },
  {
    what: 'guard, not leading, ns over bare',
    limit: 20,
    metric: 'guard_not_leading',
    unit: 'ns over bare',
  },
  {
    what: 'guard, leading, ns over bare',
    limit: 100,
    metric: 'guard_leading',
    unit: 'ns over bare',
  },
  {
    what: 'guard, not leading, bytes a call',
    // No object has fewer than 16: what is less comes from elsewhere.
    limit: 8,
    metric: 'guard_not_leading',
    unit: 'bytes allocated a call',
  },
];

/** A row for each target that was measured. @param {readonly Line[]} lines */
export function targetRows(lines) {
  return targets.flatMap((target) => {
    const found = measured(target, lines);
    if (found.length === 0) {
      return [];
    }
    const value = median(found);
    const verdict = value <= target.limit ? 'yes' : 'no';
    return [[target.what, short(target.limit), short(value), verdict]];
  });
}

/** Its figure in every round. @param {Target} target @param {readonly Line[]} lines */
function measured(target, lines) {
  const { metric, over, overMetric = metric, unit, k, sessionMs } = target;
  const of = (/** @type {string} */ peer, /** @type {string} */ name) =>
    lines.filter(
      (line) =>
        line.peer === peer &&
        line.metric === name &&
        (k === undefined || line.k === k) &&
        (unit === undefined || line.unit === unit) &&
        (sessionMs === undefined || line.session_ms === sessionMs),
    );
  const own = of('own', metric);
  if (over === undefined) {
    return own.map(figure);
  }
  const others = of(over, overMetric);
  return own.flatMap((line) => {
    const same = others.filter(({ round }) => round === line.round);
    return same.length > 0 ? [figure(line) / median(same.map(figure))] : [];
  });
}

/** @param {Line} line */
const figure = ({ median_ms, value }) => Number(median_ms ?? value);

/** @param {number} value */
const short = (value) => Number(value.toPrecision(3)).toString();
