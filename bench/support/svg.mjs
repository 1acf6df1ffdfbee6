// @ts-check
/** Charts as SVG that follows the reader's light or dark scheme. */

/** In the order of the peers: this library stands out. */
const CLASSES = ['own', 'other a', 'other b', 'other c'];

const STYLE = `
text { font: 12px ui-sans-serif, system-ui, sans-serif; fill: #57606a; }
.title { font-size: 14px; font-weight: 600; fill: #24292f; }
.group { font-weight: 600; fill: #24292f; }
.end { text-anchor: end; } .middle { text-anchor: middle; }
.grid { stroke: #d0d7de; }
.own { fill: #0969da; stroke: #0969da; } .a { fill: #8c959f; stroke: #8c959f; }
.b { fill: #afb8c1; stroke: #afb8c1; } .c { fill: #ced5db; stroke: #ced5db; }
.line { fill: none; stroke-width: 2; }
.value.own { stroke: none; font-weight: 600; }
.name { paint-order: stroke; stroke: #fff; stroke-width: 4px; }
@media (prefers-color-scheme: dark) {
  text { fill: #8d96a0; } .title, .group { fill: #e6edf3; } .grid { stroke: #30363d; }
  .name { stroke: #0d1117; }
  .own { fill: #4493f8; stroke: #4493f8; } .a { fill: #7d8590; stroke: #7d8590; }
  .b { fill: #596069; stroke: #596069; } .c { fill: #40464d; stroke: #40464d; }
}`;

const WIDTH = 734;

/** @param {number} value */
const at = (value) => Number(value.toFixed(1));

/** @param {string} title @param {string} text @param {number} height @param {string[]} parts */
function picture(title, text, height, parts) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title">`,
    `<title id="title">${text}</title>`,
    `<style>${STYLE}\n</style>`,
    `<text class="title" x="12" y="22">${title}</text>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** @param {number} ms */
export function milliseconds(ms) {
  if (ms >= 1_000) {
    return `${Number((ms / 1_000).toPrecision(3))} s`;
  }
  return `${Number(ms.toPrecision(3))} ms`;
}

/**
 * Groups of bars. With `isLog` a bar ten times as long is one decade more, from
 * 1 ms on.
 *
 * @param {object} chart
 * @param {string} chart.title
 * @param {{ name: string, bars: { peer: string, ms: number }[] }[]} chart.groups
 * @param {boolean} [chart.isLog]
 * @param {string} [chart.note]
 */
export function barChart({ title, groups, isLog = false, note }) {
  const [left, right, top] = [124, 90, 40];
  const width = WIDTH - left - right;
  const most = Math.max(
    ...groups.flatMap(({ bars }) => bars.map(({ ms }) => ms)),
  );
  const scale = (/** @type {number} */ ms) =>
    isLog
      ? (Math.log10(Math.max(ms, 1)) / Math.log10(most)) * width
      : (ms / most) * width;
  /** @type {string[]} */ const parts = [];
  let y = top;
  for (const { name, bars } of groups) {
    parts.push(`<text class="group" x="12" y="${y + 12}">${name}</text>`);
    y += 20;
    bars.forEach(({ peer, ms }, index) => {
      const kind = CLASSES[index] ?? 'other c';
      const length = Math.max(2, scale(ms));
      parts.push(
        `<text class="end" x="${left - 8}" y="${y + 13}">${peer}</text>` +
          `<rect class="${kind}" x="${left}" y="${y}" width="${at(length)}" height="18" rx="3"/>` +
          `<text class="value" x="${at(left + length + 6)}" y="${y + 13}">${milliseconds(ms)}</text>`,
      );
      y += 23;
    });
    y += 12;
  }
  if (note !== undefined) {
    parts.push(`<text x="12" y="${y + 4}">${note}</text>`);
    y += 18;
  }
  const spoken = groups
    .map(
      ({ name, bars }) =>
        `${name}: ${bars.map(({ peer, ms }) => `${peer} ${milliseconds(ms)}`).join(', ')}`,
    )
    .join('. ');
  return picture(title, `${title}. ${spoken}`, y + 4, parts);
}

/**
 * Lines over a logarithmic axis; with `isLog` both axes are.
 *
 * @param {object} chart
 * @param {string} chart.title
 * @param {string} chart.unit of the values
 * @param {string} chart.axis what grows
 * @param {{ name: string, isDashed?: boolean, points: [number, number][] }[]} chart.series
 *   the first is ours; one that is dashed has the colour of the one before
 * @param {boolean} [chart.isLog]
 */
export function lineChart({ title, unit, axis, series, isLog = false }) {
  const [left, right, top, bottom, height] = [56, 150, 44, 44, 300];
  const points = series.flatMap((each) => each.points);
  const xs = [...new Set(points.map(([x]) => x))].toSorted((a, b) => a - b);
  const [least, most] = [Math.min(...xs), Math.max(...xs)];
  const values = points.map(([, value]) => value);
  const rows = isLog ? decades(values) : quarters(values);
  const [lowest, highest] = [Number(rows[0]), Number(rows.at(-1))];
  const x = (/** @type {number} */ value) =>
    at(
      left +
        (Math.log(value / least) / Math.log(most / least)) *
          (WIDTH - left - right),
    );
  const y = (/** @type {number} */ value) =>
    at(
      height -
        bottom -
        (height - bottom - top) *
          (isLog
            ? Math.log(value / lowest) / Math.log(highest / lowest)
            : value / highest),
    );
  const grid = rows.map(
    (value) =>
      `<line class="grid" x1="${left}" x2="${WIDTH - right}" y1="${y(value)}" y2="${y(value)}"/>` +
      `<text class="end" x="${left - 6}" y="${y(value) + 4}">${Number(value.toPrecision(3)).toLocaleString('en')}</text>`,
  );
  const ticks = xs.map(
    (value) =>
      `<text class="middle" x="${x(value)}" y="${height - bottom + 18}">${value.toLocaleString('en')}</text>`,
  );
  const kindOf = (/** @type {number} */ index) => {
    const drawn = series.slice(0, index + 1).filter((each) => !each.isDashed);
    return CLASSES[drawn.length - 1] ?? 'other c';
  };
  // Names that would cover each other move down.
  /** @type {Map<number, number>} */ const lastAt = new Map();
  const names = series
    .map((each, index) => ({ ...each, index, end: each.points.at(-1) }))
    .toSorted((a, b) => y(a.end?.[1] ?? 0) - y(b.end?.[1] ?? 0))
    .map(({ name, index, end = [1, 0] }) => {
      const last = lastAt.get(end[0]) ?? -Infinity;
      const nameAt = Math.max(last + 15, y(end[1]) + 4);
      lastAt.set(end[0], nameAt);
      const kind = kindOf(index) === 'own' ? 'name group' : 'name';
      return `<text class="${kind}" x="${x(end[0]) + 10}" y="${at(nameAt)}">${name}</text>`;
    });
  const lines = series.map(({ points: each, isDashed }, index) => {
    const kind = kindOf(index);
    const dashes = isDashed ? ' stroke-dasharray="6 4"' : '';
    const path = each.map(([a, b]) => `${x(a)},${y(b)}`).join(' ');
    const dots = each.map(
      ([a, b]) => `<circle class="${kind}" cx="${x(a)}" cy="${y(b)}" r="3.5"/>`,
    );
    return `<polyline class="line ${kind}" style="fill: none"${dashes} points="${path}"/>${dots.join('')}`;
  });
  const spoken = series
    .map(
      ({ name, points: each }) =>
        `${name}: ${each.map(([a, b]) => `${Number(b.toPrecision(3))} at ${a}`).join(', ')}`,
    )
    .join('. ');
  return picture(title, `${title}. ${spoken}`, height, [
    ...grid,
    ...ticks,
    ...lines.toReversed(),
    ...names,
    `<text x="12" y="${height - 6}">${unit}; ${isLog ? 'both axes are logarithmic' : `${axis} on a logarithmic axis`}</text>`,
  ]);
}

/** From 0 to a round number. @param {readonly number[]} values */
function quarters(values) {
  const most = Math.max(...values);
  const power = 10 ** Math.floor(Math.log10(most));
  const factor = [1, 2, 4, 8, 10].find((each) => each * power >= most) ?? 10;
  return [0, 0.25, 0.5, 0.75, 1].map((share) => share * factor * power);
}

/** The powers of ten around the values. @param {readonly number[]} values */
function decades(values) {
  const first = Math.floor(Math.log10(Math.min(...values)));
  const last = Math.ceil(Math.log10(Math.max(...values)));
  return Array.from(
    { length: last - first + 1 },
    (_, index) => 10 ** (first + index),
  );
}
