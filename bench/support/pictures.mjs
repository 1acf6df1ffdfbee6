// @ts-check
/** The three pictures of docs/performance.md. */
import { writeFile } from 'node:fs/promises';
import { median } from './samples.mjs';
import { barChart, lineChart } from './svg.mjs';

/** @typedef {import('./table.mjs').Line} Line */

const PEERS = {
  own: 'this library',
  curator: 'Curator',
  kazoo: 'kazoo',
  etcd: 'etcd',
};

/** @param {{ lines: Line[] }} results */
export async function writePictures({ lines }) {
  /** @type {(name: string, svg: string) => Promise<void>} */
  const write = (name, svg) =>
    writeFile(new URL(`../../docs/images/${name}.svg`, import.meta.url), svg);
  await write('performance-latency', latency(lines));
  await write('performance-failover', failover(lines));
  await write('performance-participants', participants(lines));
}

/** @param {readonly Line[]} lines */
function latency(lines) {
  return barChart({
    title:
      'From asking for leadership, or giving it up, to the next leader being told',
    groups: [
      {
        name: 'Acquire: nobody else is there',
        bars: bars(lines, ({ metric }) => metric === 'acquire'),
      },
      {
        name: 'Hand over: two participants',
        bars: bars(lines, ({ metric, k }) => metric === 'handover' && k === 2),
      },
    ],
  });
}

/** @param {readonly Line[]} lines */
function failover(lines) {
  const crashes = lines.filter(({ metric }) => metric === 'crash_failover');
  // The longest session timeout that all have been measured with.
  const [session_ms = 0] = [...new Set(crashes.map((line) => line.session_ms))]
    .filter(
      (each) => bars(crashes, (line) => line.session_ms === each).length > 1,
    )
    .toSorted((a, b) => Number(b) - Number(a));
  return barChart({
    title: `After kill -9 of the leader: until the next one is told`,
    isLog: true,
    groups: [
      {
        name: `Session timeout ${session_ms / 1_000} s`,
        bars: bars(crashes, (line) => line.session_ms === session_ms),
      },
    ],
    note: 'The lengths are logarithmic.',
  });
}

/** @param {readonly Line[]} lines */
function participants(lines) {
  const series = (
    /** @type {string} */ name,
    /** @type {string} */ peer,
    /** @type {string} */ metric,
  ) => ({
    name,
    points: points(
      lines.filter((line) => line.peer === peer && line.metric === metric),
    ),
  });
  return lineChart({
    title: 'How cost grows with the participants of an election',
    unit: 'Milliseconds',
    axis: 'participants',
    series: [
      series('hand-over', 'own', 'participants_handover'),
      {
        ...series('joining', 'own', 'participants_join'),
        isDashed: true,
      },
      series('hand-over, Curator', 'curator', 'handover'),
      series('hand-over, kazoo', 'kazoo', 'handover'),
    ].filter((each) => each.points.length > 0),
  });
}

/**
 * A bar for each library that was measured, with the median of its rounds.
 *
 * @param {readonly Line[]} lines
 * @param {(line: Line) => boolean} isWanted
 */
function bars(lines, isWanted) {
  return Object.entries(PEERS).flatMap(([peer, name]) => {
    const found = lines.filter((line) => line.peer === peer && isWanted(line));
    return found.length > 0
      ? [
          {
            peer: name,
            ms: median(found.map(({ median_ms }) => Number(median_ms))),
          },
        ]
      : [];
  });
}

/** @param {readonly Line[]} lines @returns {[number, number][]} */
function points(lines) {
  return [...new Set(lines.map(({ k }) => k))]
    .toSorted((a, b) => a - b)
    .map((k) => [
      k,
      median(
        lines
          .filter((line) => line.k === k)
          .map(({ median_ms }) => Number(median_ms)),
      ),
    ]);
}
