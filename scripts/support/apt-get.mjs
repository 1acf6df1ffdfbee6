// @ts-check
/**
 * Installs packages of the distribution, on Debian and its relatives: the tests
 * and the demo need no preparation.
 */
import { spawn, spawnSync } from 'node:child_process';
import { StepFailedError } from './steps.mjs';

/**
 * @param {readonly string[]} packages
 * @param {(line: string) => void} log
 * @returns {Promise<string | undefined>} why it failed
 */
export async function tryToInstall(packages, log) {
  if (process.platform !== 'linux' || !works('apt-get', '--version')) {
    return 'It can be installed automatically only on Linux with apt-get.';
  }
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && !works('sudo', '-n', 'true')) {
    return 'It cannot be installed automatically without root or a sudo that asks for no password.';
  }
  log(`Installing ${packages.join(', ')} ...`);
  // Waits for another installation in progress instead of failing on its lock.
  const aptGet = ['apt-get', '-q', '-o', 'DPkg::Lock::Timeout=300'];
  const steps = [
    ['update'],
    ['install', '-y', '--no-install-recommends', ...packages],
  ];
  let problem;
  for (const step of steps) {
    const command = ['DEBIAN_FRONTEND=noninteractive', ...aptGet, ...step];
    log(`  ${command.join(' ')}`);
    // An update may fail for a foreign source; the installation decides.
    problem = isRoot
      ? await run('env', command)
      : await run('sudo', ['-n', 'env', ...command]);
  }
  return problem;
}

/**
 * @param {readonly string[]} packages
 * @param {string} why says what they are needed for, if they cannot be installed
 */
export async function installPackages(packages, why) {
  const problem = await tryToInstall(packages, console.log);
  if (problem !== undefined) {
    throw new StepFailedError(
      `${why} Install ${packages.join(', ')} and try again. ${problem}`,
    );
  }
}

/**
 * Whether a command can be run, and succeeds.
 *
 * @param {string} command
 * @param {string[]} args
 */
export function works(command, ...args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/**
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<string | undefined>} what it said, if it failed
 */
function run(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (/** @type {Buffer} */ chunk) => {
      output = (output + chunk.toString()).slice(-2000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => resolve(`${command}: ${error.message}`));
    child.on('close', (status) =>
      resolve(
        status === 0
          ? undefined
          : `${[command, ...args].join(' ')} failed (status ${status}):\n${output.trim()}`,
      ),
    );
  });
}
