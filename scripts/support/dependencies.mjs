import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ensureCompiler } from './compiler.mjs';
import { inProject } from './project.mjs';
import { run, runNode, StepFailedError } from './steps.mjs';

/**
 * Installs what package-lock.json says, unless it is installed already.
 *
 * Node.js and npm are all it needs, so every script of a clean clone can start
 * with it: no package runs a script, so nothing is compiled.
 */
export async function ensureDependencies() {
  await ensureInstalled('.');
}

/**
 * The same for a directory that has a package-lock.json of its own.
 *
 * @param {string} directory
 */
export async function ensureInstalled(directory) {
  if (isInstalled(directory)) return;
  const lockFile = path.join(directory, 'package-lock.json');
  console.log(`Installing the dependencies of ${lockFile} ...`);
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: inProject(directory),
  });
}

/**
 * npm keeps in node_modules a lock file of what it installed. Comparing the
 * contents, and not the times, survives a checkout and an interrupted install.
 *
 * @param {string} directory
 */
function isInstalled(directory) {
  const wanted = lockedPackages(directory, 'package-lock.json');
  const installed = lockedPackages(
    directory,
    'node_modules/.package-lock.json',
  );
  return Object.entries(wanted).every(
    ([location, { version, optional }]) =>
      // Outside node_modules are the root and the workspaces themselves; which
      // optional packages are installed depends on the platform.
      !location.includes('node_modules/') ||
      optional ||
      (installed[location] && installed[location].version === version),
  );
}

/**
 * @param {string} directory
 * @param {string} file
 * @returns {Record<string, { version?: string; optional?: boolean }>}
 */
function lockedPackages(directory, file) {
  const lockFile = inProject(directory, file);
  if (!existsSync(lockFile)) return {};
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
}

/**
 * Compiles the npm package `zookeeper` where it does not load: on Linux after its
 * installation, and wherever it was compiled for another Node.js. Only the tests of
 * `lib/native` and the benchmarks need it.
 */
export async function ensureNativeClient() {
  if (await nativeClientLoads()) return;
  console.log(`Compiling the ZooKeeper client for Node.js ${process.version}`);
  await ensureCompiler();
  await run('npm', ['rebuild', 'zookeeper'], { env: buildEnvironment() });
  if (await nativeClientLoads()) return;
  throw new StepFailedError(
    'The npm package "zookeeper" was compiled but does not load. ' +
      'Delete node_modules and try again; see its output above.',
  );
}

async function nativeClientLoads() {
  try {
    await runNode(['-e', 'require("zookeeper")'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/**
 * node-gyp downloads the headers of Node.js from nodejs.org. Most
 * installations bring them along, and those fit for certain.
 */
function buildEnvironment() {
  const prefix = path.dirname(path.dirname(process.execPath));
  if (!existsSync(path.join(prefix, 'include/node/node_api.h'))) {
    return process.env;
  }
  return { ...process.env, npm_package_config_node_gyp_nodedir: prefix };
}
