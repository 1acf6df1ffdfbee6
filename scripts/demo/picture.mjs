// @ts-check
/**
 * Draws a run of the demo as an animated picture: a row for each instance, a bar
 * for the time in which it led, a dot for each run of the job, and a cross where
 * the instance was killed. It plays at the speed of the run and shows the end
 * where animations are off.
 */

const LEFT = 104;
const TOP = 40;
const ROW = 30;
const PLOT_WIDTH = 600;
const WIDTH = LEFT + PLOT_WIDTH + 30;
/** How long the finished picture stays before it plays again. */
const HOLD_S = 4;

/**
 * @param {import('./story.mjs').Story} story
 * @param {import('./arguments.mjs').DemoSettings} settings
 * @returns {string} an SVG document
 */
export function drawStory(story, { instances }) {
  const chapters = story.chapters;
  const startNs = chapters[0]?.fromNs ?? 0n;
  const endNs = chapters.at(-1)?.endNs ?? startNs + 1n;
  const lengthS = Number(endNs - startNs) / 1e9;
  /** @param {bigint} ns */
  const x = (ns) =>
    round(LEFT + (PLOT_WIDTH * Number(ns - startNs)) / 1e9 / lengthS);
  /** @param {number} instance */
  const y = (instance) => TOP + (instance - 0.5) * ROW;
  const height = TOP + instances * ROW + 34;

  const rows = Array.from({ length: instances }, (_, index) => {
    const middle = y(index + 1);
    return (
      `<text class="name" x="${LEFT - 12}" y="${middle + 4}">instance ${index + 1}</text>` +
      `<line class="row" x1="${LEFT}" x2="${LEFT + PLOT_WIDTH}" y1="${middle}" y2="${middle}"/>`
    );
  });
  const terms = chapters.map((chapter) => {
    const middle = y(chapter.instance);
    const from = x(chapter.fromNs);
    const to = x(chapter.endNs ?? endNs);
    const runs = chapter.runsNs.map(
      (ns) => `<circle class="run" cx="${x(ns)}" cy="${middle}" r="4"/>`,
    );
    const handOver =
      chapter.handOverMs === undefined
        ? ''
        : `<text class="ms" x="${from + 6}" y="${middle - 12}">${chapter.handOverMs.toFixed(0)} ms</text>`;
    return (
      `<rect class="term" x="${from}" y="${middle - 9}" width="${round(to - from)}" height="18" rx="4"/>` +
      runs.join('') +
      `<path class="kill" d="M${to - 5} ${middle - 5}l10 10m0-10l-10 10"/>` +
      handOver
    );
  });
  const seconds = Array.from(
    { length: Math.floor(lengthS / 5) + 1 },
    (_, index) =>
      `<text class="axis" x="${x(startNs + BigInt(index * 5e9))}" y="${height - 12}">${index * 5} s</text>`,
  );
  const totalS = lengthS + HOLD_S;
  const share = ((100 * lengthS) / totalS).toFixed(2);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title">
<title id="title">${instances} instances: one leads and runs the job, is killed, and the next one leads milliseconds later</title>
<style>
text { font: 12px ui-sans-serif, system-ui, sans-serif; fill: #57606a; }
.title { font-weight: 600; fill: #24292f; }
.name { text-anchor: end; }
.axis { text-anchor: middle; }
.ms { font-size: 11px; font-weight: 600; fill: #0969da; }
.row { stroke: #d0d7de; }
.term { fill: #54aeff; }
.run { fill: #0550ae; }
.kill { stroke: #cf222e; stroke-width: 2.5; fill: none; }
.reveal { transform-origin: ${LEFT - 8}px 0; animation: play ${totalS.toFixed(2)}s linear infinite; }
@keyframes play { from { transform: scaleX(0); } ${share}%, to { transform: scaleX(1); } }
@media (prefers-reduced-motion: reduce) { .reveal { animation: none; } }
@media (prefers-color-scheme: dark) {
  text { fill: #8d96a0; } .title { fill: #e6edf3; } .row { stroke: #30363d; }
  .term { fill: #1f6feb; } .run { fill: #cae8ff; } .ms { fill: #79c0ff; } .kill { stroke: #ff7b72; }
}
</style>
<defs><clipPath id="shown"><rect class="reveal" x="${LEFT - 8}" y="0" width="${PLOT_WIDTH + 40}" height="${height}"/></clipPath></defs>
<text class="title" x="${LEFT}" y="20">One instance leads (bar) and runs the job (dots) until kill -9 (cross). Then the next one leads.</text>
${rows.join('\n')}
${seconds.join('\n')}
<g clip-path="url(#shown)">
${terms.join('\n')}
</g>
</svg>
`;
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}
