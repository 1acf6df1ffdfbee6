import { spawnSync } from 'node:child_process';
import { run, StepFailedError } from './steps.mjs';

/**
 * Installs packages of Debian or Ubuntu, where that can be done without a
 * question.
 *
 * @param {string[]} packages
 * @param {string} why says what they are needed for, if they cannot be installed
 */
export async function installPackages(packages, why) {
  const isRoot = process.getuid?.() === 0;
  const mayInstall = isRoot || works('sudo', '-n', 'true');
  if (!mayInstall || !works('apt-get', '--version')) {
    throw new StepFailedError(
      `${why} Install ${packages.join(', ')} and try again.`,
    );
  }
  console.log(`Installing ${packages.join(', ')} ...`);
  // An update may fail for a foreign source: the installation decides.
  await aptGet(isRoot, ['update']).catch(() => undefined);
  await aptGet(isRoot, ['install', '--no-install-recommends', ...packages]);
}

/**
 * Whether a command runs and succeeds.
 *
 * @param {string} command
 * @param {string[]} args
 */
export function works(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
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
