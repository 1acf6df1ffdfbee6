/**
 * `npm test`: everything that is checked before a change is merged, from a
 * clean clone on, with nothing but Node.js and npm on the machine.
 *
 * `npm test -- <arguments>` builds and hands the arguments to jest alone:
 * `npm test -- test/unit/election`, `npm test -- -t 'resigns'`.
 */
import { prepare, preparePostgres } from './support/prepare.mjs';
import { runJest } from './support/run-jest.mjs';
import { runMain, runNpmScript, step } from './support/steps.mjs';

const jestArguments = process.argv.slice(2);

/** The checks besides the tests, in the order in which they run. */
const checks = {
  Lint: 'lint',
  Format: 'format:check',
  Types: 'typecheck',
  Package: 'lint:package',
};

await runMain(async () => {
  await prepare();
  await preparePostgres();
  await step('Build', () => runNpmScript('build'));
  if (jestArguments.length === 0) {
    for (const [title, script] of Object.entries(checks)) {
      await step(title, () => runNpmScript(script));
    }
  }
  await runJest(jestArguments);
  if (jestArguments.length === 0 && !process.exitCode) {
    await step('Faults', () =>
      runNpmScript('test:faults', ['--seed', 'daily', '--minutes', '2']),
    );
    await step('Faults in a library that is broken on purpose', () =>
      runNpmScript('test:faults:mutations'),
    );
  }
});
