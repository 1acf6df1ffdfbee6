// @ts-check
/**
 * `npm run test:faults:mutations`: breaks the library on purpose, in each of the
 * ways of mutations.ts, and makes sure that the faults bring it to light. A suite
 * that cannot fail proves nothing.
 *
 * `-- --today 3` tries three of them, other ones every day; `-- 'lease check off'`
 * tries those of that name.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { inProject } from '../../scripts/support/project.mjs';
import { build } from './build.mjs';

const MOST_MINUTES = 4;
/**
 * A broken library may break first where no one can tell why. Another seed then
 * brings other faults.
 */
const SEEDS = ['a', 'b', 'c'];
const DAY_MS = 24 * 60 * 60 * 1000;

const { values, positionals } = parseArgs({
  options: { today: { type: 'string' } },
  allowPositionals: true,
});

const built = await build();
const { MUTATIONS } = await import(
  pathToFileURL(path.join(built.directory, 'test/faults/mutations.js')).href
);
await built.remove();
const names = chosen(Object.keys(MUTATIONS));
console.log(`Breaking the library: ${names.join(', ')}.`);
const directory = await mkdtemp(path.join(tmpdir(), 'mutations-'));
let missed = 0;
for (const name of names) {
  let found = false;
  for (const seed of SEEDS) {
    const result = await resultOf(name, seed);
    const shown = result?.violations.find((each) =>
      MUTATIONS[name].shows.test(each),
    );
    if (result && shown) {
      const after = `${(result.minutes * 60).toFixed(0)} s`;
      console.log(`"${name}" found with seed ${seed} after ${after}: ${shown}`);
      found = true;
      break;
    }
    console.error(
      `"${name}" not found with seed ${seed}: ${otherwise(result)}`,
    );
  }
  missed += found ? 0 : 1;
}
await rm(directory, { recursive: true });
process.exit(missed === 0 ? 0 : 1);

/**
 * @typedef {{ minutes: number, violations: string[] }} Result
 *
 * Undefined if the run has left none.
 *
 * @param {string} name
 * @param {string} seed
 * @returns {Promise<Result | undefined>}
 */
async function resultOf(name, seed) {
  const results = path.join(directory, `${name}-${seed}.json`);
  const child = spawn(
    process.execPath,
    [
      inProject('test/faults/run.mjs'),
      ...['--mutation', name],
      ...['--seed', seed],
      ...['--minutes', String(MUTATIONS[name].minutes ?? MOST_MINUTES)],
      ...['--results', results],
      '--hasty',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  await new Promise((resolve) => child.once('exit', resolve));
  return readFile(results, 'utf8').then(
    (text) => /** @type {Result} */ (JSON.parse(text)),
    () => undefined,
  );
}

/**
 * @param {Result | undefined} result
 * @returns {string}
 */
function otherwise(result) {
  if (!result) {
    return 'the run has left no result';
  }
  const [other] = result.violations;
  return other ? `something else was: ${other}` : 'nothing was';
}

/**
 * @param {string[]} all
 * @returns {string[]}
 */
function chosen(all) {
  const unknown = positionals.filter((name) => !all.includes(name));
  if (unknown.length > 0) {
    throw new Error(
      `No mutation is named ${unknown.join(', ')}. There are: ${all.join(', ')}`,
    );
  }
  if (positionals.length > 0) {
    return positionals;
  }
  const count = Number(values.today ?? all.length);
  const first = Math.floor(Date.now() / DAY_MS) * count;
  return Array.from(
    { length: Math.min(count, all.length) },
    (_, index) => /** @type {string} */ (all[(first + index) % all.length]),
  );
}
