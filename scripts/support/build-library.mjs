import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { inProject } from './project.mjs';
import { runNode } from './steps.mjs';

const sources = inProject('lib');
const output = inProject('dist');
const scratch = inProject('node_modules/.cache/library-build');
const typescript = inProject('node_modules/typescript/bin/tsc');

/** Written before the compilers start, so that its time is that of the build. */
const commonJsMarker = 'cjs/package.json';

/**
 * Compiles lib/ to dist/esm and dist/cjs.
 *
 * `check: false` leaves type errors to somebody else: then the compiler only
 * translates, in a third of the time.
 */
export async function buildLibrary({ check = true } = {}) {
  const next = path.join(scratch, `next-${process.pid}`);
  const previous = path.join(scratch, `previous-${process.pid}`);
  try {
    await mkdir(path.join(next, 'cjs'), { recursive: true });
    await writeFile(
      path.join(next, commonJsMarker),
      `${JSON.stringify({ type: 'commonjs' })}\n`,
    );
    await allDone([
      compile('tsconfig.build.json', path.join(next, 'esm'), { check }),
      // Checked as well: `import.meta` and top-level `await` are errors here.
      compile('tsconfig.build.cjs.json', path.join(next, 'cjs'), { check }),
    ]);
    await renameIfPresent(output, previous);
    await rename(next, output);
  } finally {
    await rm(next, { recursive: true, force: true });
    await rm(previous, { recursive: true, force: true });
  }
}

/** Whether dist/ is missing or older than a source file. */
export async function isBuildStale() {
  const builtAt = await modifiedAt(path.join(output, commonJsMarker));
  if (builtAt === undefined) return true;
  const names = await readdir(sources, { recursive: true });
  const times = await Promise.all(
    names.map((name) => modifiedAt(path.join(sources, name))),
  );
  return times.some((time) => time !== undefined && time > builtAt);
}

function compile(tsconfig, outDir, { check }) {
  const checking = check ? [] : ['--noCheck'];
  return runNode([typescript, '-p', tsconfig, '--outDir', outDir, ...checking]);
}

/** Like Promise.all(), but a failure does not leave the others running. */
async function allDone(promises) {
  await Promise.allSettled(promises);
  await Promise.all(promises);
}

async function modifiedAt(file) {
  try {
    return (await stat(file)).mtimeMs;
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function renameIfPresent(from, to) {
  try {
    await rename(from, to);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}
