import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ensureCompiler } from './compiler.mjs';
import { inProject } from './project.mjs';
import { run, runNode, StepFailedError } from './steps.mjs';

/**
 * Installs what package-lock.json says, unless it is installed already, and
 * makes sure that the native ZooKeeper client fits the running Node.js.
 *
 * Node.js and npm are all it needs, so every script of a clean clone can start
 * with it.
 */
export async function ensureDependencies() {
  await ensureInstalled('.', { beforehand: ensureCompiler });
  await ensureNativeClient();
}

/** The same for a directory that has a package-lock.json of its own. */
export async function ensureInstalled(directory, { beforehand } = {}) {
  if (isInstalled(directory)) return;
  const lockFile = path.join(directory, 'package-lock.json');
  console.log(`Installing the dependencies of ${lockFile} ...`);
  await beforehand?.();
  await run('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: inProject(directory),
    env: buildEnvironment(),
  });
}

/**
 * npm keeps in node_modules a lock file of what it installed. Comparing the
 * contents, and not the times, survives a checkout and an interrupted install.
 */
function isInstalled(directory) {
  const wanted = readLockFile(directory, 'package-lock.json');
  const installed = readLockFile(directory, 'node_modules/.package-lock.json');
  if (!wanted || !installed) return false;
  return Object.entries(wanted.packages)
    .filter(([location, entry]) => isRequired(location, entry))
    .every(([location, entry]) => {
      const found = installed.packages[location];
      return found !== undefined && found.version === entry.version;
    });
}

/** The root itself is not in the list; what is optional depends on the platform. */
function isRequired(location, entry) {
  return location.includes('node_modules/') && !entry.optional;
}

function readLockFile(directory, file) {
  try {
    return JSON.parse(readFileSync(inProject(directory, file), 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** An addon that was compiled for another Node.js does not load. */
async function ensureNativeClient() {
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
export function buildEnvironment() {
  const prefix = path.dirname(path.dirname(process.execPath));
  if (!existsSync(path.join(prefix, 'include/node/node_api.h'))) {
    return process.env;
  }
  return { ...process.env, npm_package_config_node_gyp_nodedir: prefix };
}
