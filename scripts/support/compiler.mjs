import { spawnSync } from 'node:child_process';
import { run, StepFailedError } from './steps.mjs';

const tools = ['make', 'g++', 'python3'];

/**
 * The npm package `zookeeper` is compiled at its installation: it has prebuilt
 * files for macOS and Windows only. Where Debian packages can be installed, the
 * tools that are missing are; elsewhere the error says what to install.
 */
export async function ensureCompiler() {
  if (process.platform !== 'linux') return;
  const missing = tools.filter((tool) => !works(tool, '--version'));
  if (missing.length === 0) return;

  const isRoot = process.getuid?.() === 0;
  const mayInstall = isRoot || works('sudo', '-n', 'true');
  if (!mayInstall || !works('apt-get', '--version')) {
    throw new StepFailedError(
      `The npm package "zookeeper" is compiled at its installation. ` +
        `Install ${missing.join(', ')} and try again.`,
    );
  }
  console.log(`Installing ${missing.join(', ')} ...`);
  // An update may fail for a foreign source: the installation decides.
  await aptGet(isRoot, ['update']).catch(() => undefined);
  await aptGet(isRoot, ['install', '--no-install-recommends', ...missing]);
}

/**
 * @param {boolean} isRoot
 * @param {string[]} args
 */
function aptGet(isRoot, args) {
  // Another installation in progress is waited for.
  const options = ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300'];
  const command = ['DEBIAN_FRONTEND=noninteractive', 'apt-get', ...options];
  return isRoot
    ? run('env', [...command, ...args])
    : run('sudo', ['-n', 'env', ...command, ...args]);
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function works(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
