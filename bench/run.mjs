// @ts-check
/**
 * `npm run bench`: this library, its peers and the protocol itself, on one real
 * server, taking turns.
 *
 *   npm run bench                  the quick form, about three minutes
 *   npm run bench -- --full        everything, about three quarters of an hour
 *   npm run bench -- --publish     a quarter of an hour, then --charts: figures and
 *                                  pictures of docs/performance.md
 *   npm run bench -- --charts      pictures and tables from bench/results.json
 *   npm run bench -- --metrics acquire,handover --peers own,curator --rounds 5
 *
 * Prints tables, and writes every figure to bench/last-run.json, with `--publish`
 * to bench/results.json, or else to `--out`.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeDocument } from './support/document.mjs';
import { measure } from './support/measure.mjs';
import { peers } from './support/peers.mjs';
import { writePictures } from './support/pictures.mjs';
import { FULL, PUBLISH, QUICK } from './support/plans.mjs';
import {
  growthTable,
  ratioTable,
  targetTable,
  valueTable,
} from './support/table.mjs';

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    publish: { type: 'boolean', default: false },
    charts: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    metrics: { type: 'string' },
    peers: { type: 'string' },
    out: { type: 'string' },
  },
});
const inBench = (/** @type {string} */ file) =>
  fileURLToPath(new URL(file, import.meta.url));
const RESULTS = inBench('results.json');
const out = values.out ?? (values.publish ? RESULTS : inBench('last-run.json'));

if (!values.charts) {
  const plan = values.publish ? PUBLISH : values.full ? FULL : QUICK;
  const chosen = peers
    .filter(({ name }) => values.peers?.split(',').includes(name) ?? true)
    .filter(({ name, packages, isInstalled }) => {
      if (isInstalled()) {
        return true;
      }
      console.warn(`Without ${name}: it takes apt-get install ${packages}`);
      return false;
    });
  const results = await measure(
    { ...plan, rounds: Number(values.rounds ?? plan.rounds) },
    chosen,
    values.metrics?.split(','),
  );
  const lines = results.lines.map((line) => `  ${JSON.stringify(line)}`);
  await writeFile(
    out,
    `{\n "machine": ${JSON.stringify(results.machine)},\n "lines": [\n${lines.join(',\n')}\n ]\n}\n`,
  );
  console.log(
    [
      '',
      results.machine,
      targetTable(results.lines),
      growthTable(results.lines),
      ratioTable(results.lines),
      valueTable(results.lines),
    ].join('\n\n'),
  );
}
if (values.charts || values.publish) {
  const results = JSON.parse(await readFile(values.out ?? RESULTS, 'utf8'));
  await writePictures(results);
  await writeDocument(results);
}
