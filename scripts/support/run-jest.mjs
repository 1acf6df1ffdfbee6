import { runNpmScript, StepFailedError } from './steps.mjs';

/**
 * Runs jest and takes over its exit code. Nothing is printed afterwards where a
 * test has failed: its summary is the last thing on the screen.
 *
 * @param {string[]} args
 */
export async function runJest(args) {
  console.log('\n=== Tests');
  try {
    await runNpmScript('jest', args);
  } catch (error) {
    if (!(error instanceof StepFailedError)) throw error;
    process.exitCode = error.exitCode;
  }
}
