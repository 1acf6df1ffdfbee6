import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { projectRoot } from './project.mjs';

/** A command that ran and did not succeed; its own output says why. */
export class StepFailedError extends Error {
  /**
   * @param {string} message
   * @param {number} [exitCode] of this process, then
   */
  constructor(message, exitCode = 1) {
    super(message);
    this.name = 'StepFailedError';
    this.exitCode = exitCode;
  }
}

/**
 * Runs a command with the output of this process and resolves when it
 * succeeded; rejects with a StepFailedError otherwise.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 */
export async function run(command, args, options = {}) {
  const child = spawn(command, args, {
    cwd: projectRoot,
    stdio: ['ignore', 'inherit', 'inherit'],
    // On Windows npm is a script.
    shell: process.platform === 'win32' && command === 'npm',
    ...options,
  });
  /** @type {[number | null, NodeJS.Signals | null]} */
  const [code, signal] = /** @type {any} */ (await once(child, 'exit'));
  const commandLine = [command, ...args].join(' ');
  if (signal) {
    throw new StepFailedError(
      `"${commandLine}" was ended by ${signal}`,
      128 + constants.signals[signal],
    );
  }
  if (code) {
    throw new StepFailedError(`"${commandLine}" exited with ${code}`, code);
  }
}

/**
 * Runs Node.js, the same one that runs this script.
 *
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 */
export function runNode(args, options) {
  return run(process.execPath, args, options);
}

/**
 * Runs a script of package.json.
 *
 * @param {string} name
 * @param {string[]} [args] of the script
 * @param {Record<string, string>} [env] in addition to this environment
 */
export function runNpmScript(name, args = [], env = {}) {
  const passed = args.length > 0 ? ['--', ...args] : [];
  return run('npm', ['run', '--silent', name, ...passed], {
    env: { ...process.env, ...env },
  });
}

/**
 * Prints a heading, runs the work below it and prints how long it took.
 *
 * @template T
 * @param {string} title
 * @param {() => T | Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(title, work) {
  const startedAt = performance.now();
  const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`\n=== ${title}`);
  try {
    const result = await work();
    console.log(`--- ${title}: done in ${seconds()} s`);
    return result;
  } catch (error) {
    console.error(`--- ${title}: FAILED after ${seconds()} s`);
    throw error;
  }
}

/**
 * Runs the main function of a command line script: what fails is reported in
 * one line where the output above already tells the rest.
 *
 * @param {() => Promise<void>} main
 */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof StepFailedError)) throw error;
    console.error(`\n${error.message}`);
    process.exitCode = error.exitCode;
  }
}
