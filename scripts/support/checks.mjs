import { runNpmScript, step } from './steps.mjs';

/** What is looked at besides the tests, in the order in which it is. */
const CHECKS = {
  Lint: 'lint',
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
