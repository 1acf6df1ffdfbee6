// @ts-check
/** The pictures of docs/performance.md. */
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
  await write('performance-elections', elections(lines));
  await write('performance-instances', instances(lines));
  await write('performance-tasks', tasks(lines));
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
  return growthChart(lines, {
    title: 'How cost grows with the participants of an election',
    axis: 'participants',
    series: [
      ['hand-over', 'own', 'participants_handover'],
      ['joining', 'own', 'participants_join', 'dashed'],
      ['hand-over, Curator', 'curator', 'handover'],
      ['hand-over, kazoo', 'kazoo', 'handover'],
    ],
  });
}

/** @param {readonly Line[]} lines */
function elections(lines) {
  return growthChart(lines, {
    title: 'Elections of one process: until it leads all of them',
    axis: 'elections',
    isLog: true,
    series: [
      ['this library', 'own', 'many'],
      ['on new paths', 'own', 'many_new_path', 'dashed'],
      ['Curator', 'curator', 'many'],
      ['Curator, new paths', 'curator', 'many_new_path', 'dashed'],
    ],
  });
}

/** @param {readonly Line[]} lines */
function instances(lines) {
  return growthChart(lines, {
    title: 'Instances that start at once: until all have joined',
    axis: 'instances',
    isLog: true,
    series: [
      ['this library', 'own', 'storm_start'],
      ['Curator', 'curator', 'storm_start'],
      ['kazoo', 'kazoo', 'storm_start'],
    ],
  });
}

/** @param {readonly Line[]} lines */
function tasks(lines) {
  return growthChart(lines, {
    title:
      'Ledger tasks, one run a second each: until all of a second have run',
    axis: 'tasks',
    isLog: true,
    series: [['this library', 'own', 'ledger_load_done']],
  });
}

/**
 * @param {readonly Line[]} lines
 * @param {object} chart
 * @param {string} chart.title
 * @param {string} chart.axis
 * @param {boolean} [chart.isLog]
 * @param {(readonly [name: string, peer: string, metric: string, dashed?: string])[]} chart.series
 */
function growthChart(lines, { title, axis, isLog, series }) {
  return lineChart({
    title,
    isLog,
    unit: 'Milliseconds',
    axis,
    series: series
      .map(([name, peer, metric, dashed]) => ({
        name,
        isDashed: dashed !== undefined,
        points: points(
          lines.filter((line) => line.peer === peer && line.metric === metric),
        ),
      }))
      .filter((each) => each.points.length > 0),
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
          .map(({ median_ms, value }) => Number(median_ms ?? value)),
      ),
    ]);
}
