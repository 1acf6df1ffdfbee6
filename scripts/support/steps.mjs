import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { projectRoot } from './project.mjs';

/** A command that ran and did not succeed; its own output says why. */
export class StepFailedError extends Error {
  name = 'StepFailedError';

  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Runs a command with the output of this process and resolves when it
 * succeeded; rejects with a StepFailedError otherwise.
 */
export async function run(command, args, options = {}) {
  const [code, signal] = await new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: projectRoot,
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: needsShell(command),
      ...options,
    });
    child.once('error', reject);
    child.once('exit', (...how) => resolve(how));
  });
  if (code === 0) return;
  const commandLine = [command, ...args].join(' ');
  throw signal
    ? new StepFailedError(
        `"${commandLine}" was ended by ${signal}`,
        128 + constants.signals[signal],
      )
    : new StepFailedError(`"${commandLine}" exited with code ${code}`, code);
}

/** Runs Node.js, the same one that runs this script. */
export const runNode = (args, options) => run(process.execPath, args, options);

/** Runs a script of package.json; `args` go to the script. */
export function runNpmScript(name, args = []) {
  const passed = args.length > 0 ? ['--', ...args] : [];
  return run('npm', ['run', '--silent', name, ...passed]);
}

/** Prints a heading, runs the work below it and prints how long it took. */
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
 */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    const known = error instanceof StepFailedError;
    console.error(`\n${known ? error.message : (error?.stack ?? error)}`);
    process.exitCode = known ? error.exitCode : 1;
  }
}

function needsShell(command) {
  return process.platform === 'win32' && command === 'npm';
}
