import { existsSync, statSync } from 'node:fs';
import { cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { inProject } from './project.mjs';
import { runNode } from './steps.mjs';

const sources = inProject('lib');
const output = inProject('dist');
const scratch = inProject('node_modules/.cache/library-build');
const typescript = inProject('node_modules/typescript/bin/tsc');

/** Written before the compilers start: its time is that of the build. */
const commonJsMarker = 'cjs/package.json';

/**
 * Compiles lib/ to dist/esm and dist/cjs.
 *
 * `check: false` leaves type errors to somebody else: then the compiler only
 * translates, in a third of the time. `isBundled: false` leaves every module in a
 * file of its own.
 */
export async function buildLibrary({
  check = true,
  isBundled = true,
  into = output,
} = {}) {
  const next = path.join(scratch, `next-${process.pid}`);
  const previous = path.join(scratch, `previous-${process.pid}`);
  const options = check ? [] : ['--noCheck'];
  try {
    await mkdir(path.join(next, 'cjs'), { recursive: true });
    await writeFile(
      path.join(next, commonJsMarker),
      `${JSON.stringify({ type: 'commonjs' })}\n`,
    );
    await allDone([
      compile('tsconfig.build.json', path.join(next, 'esm'), options),
      // Checked as well: `import.meta` and top-level `await` are errors here.
      compile('tsconfig.build.cjs.json', path.join(next, 'cjs'), options),
    ]);
    await Promise.all([
      copyPage(next, 'esm'),
      copyPage(next, 'cjs'),
      copyDeclarations(path.join(next, 'esm'), path.join(next, 'cjs')),
    ]);
    if (isBundled) {
      // Its packages are not there before the dependencies are installed.
      const { bundle } = await import('./bundle.mjs');
      await bundle(next);
    }
    if (existsSync(into)) await rename(into, previous);
    await rename(next, into);
  } finally {
    await rm(next, { recursive: true, force: true });
    await rm(previous, { recursive: true, force: true });
  }
}

/**
 * The dashboard's page is not compiled: it runs in browsers as it is.
 *
 * @param {string} directory
 * @param {'esm' | 'cjs'} build
 */
async function copyPage(directory, build) {
  const page = 'dashboard/page';
  const names = await readdir(path.join(sources, page));
  await Promise.all(
    names
      .filter((name) => /\.(html|css|js)$/.test(name))
      .map((name) =>
        cp(
          path.join(sources, page, name),
          path.join(directory, build, page, name),
        ),
      ),
  );
}

/**
 * Both builds have the same types.
 *
 * @param {string} from
 * @param {string} to
 */
async function copyDeclarations(from, to) {
  const names = await readdir(from, { recursive: true });
  await Promise.all(
    names
      .filter((name) => /\.d\.c?ts$/.test(name))
      .map((name) => cp(path.join(from, name), path.join(to, name))),
  );
}

/** Whether dist/ is missing or older than a source file. */
export async function isBuildStale() {
  const builtAt = modifiedAt(path.join(output, commonJsMarker));
  const names = await readdir(sources, { recursive: true });
  return names.some((name) => modifiedAt(path.join(sources, name)) > builtAt);
}

/**
 * @param {string} tsconfig
 * @param {string} outDir
 * @param {string[]} options
 */
function compile(tsconfig, outDir, options) {
  return runNode([typescript, '-p', tsconfig, '--outDir', outDir, ...options]);
}

/**
 * Like Promise.all(), but a failure does not leave the others running.
 *
 * @param {Promise<unknown>[]} promises
 */
async function allDone(promises) {
  await Promise.allSettled(promises);
  await Promise.all(promises);
}

/**
 * A file that is not there is older than any other.
 *
 * @param {string} file
 */
function modifiedAt(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
