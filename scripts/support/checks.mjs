import { runNpmScript, step } from './steps.mjs';

/** The checks besides the tests, in the order in which they run. */
const CHECKS = {
  Lint: 'lint',
  Words: 'lint:words',
  Format: 'format:check',
  Types: 'typecheck',
  Package: 'lint:package',
  Documentation: 'docs',
};

export async function runChecks() {
  for (const [title, script] of Object.entries(CHECKS)) {
    await step(title, () => runNpmScript(script));
  }
}
