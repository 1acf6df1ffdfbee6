/**
 * `npm test`: everything that is checked before a change is merged, from a
 * clean clone on, with nothing but Node.js and npm on the machine.
 *
 * `npm test -- <arguments>` builds and hands the arguments to jest alone:
 * `npm test -- test/unit/election`, `npm test -- -t 'resigns'`.
 */
import { runChecks } from './support/checks.mjs';
import { prepare, preparePostgres } from './support/prepare.mjs';
import { runJest } from './support/run-jest.mjs';
import { runMain, runNpmScript, step } from './support/steps.mjs';

const jestArguments = process.argv.slice(2);
const isComplete = jestArguments.length === 0;
/** The others take their turn on other days; `npm run test:all` tries all. */
const MUTATIONS_A_DAY = '3';

await runMain(async () => {
  const startedAt = performance.now();
  await prepare();
  await preparePostgres();
  await step('Build', () => runNpmScript('build'));
  if (isComplete) {
    await runChecks();
  }
  await runJest(jestArguments);
  if (isComplete && !process.exitCode) {
    await step('Faults', () =>
      runNpmScript('test:faults', ['--seed', 'daily', '--minutes', '2']),
    );
    await step('Faults in a library that is broken on purpose', () =>
      runNpmScript('test:faults:mutations', ['--today', MUTATIONS_A_DAY]),
    );
    const minutes = (performance.now() - startedAt) / 60_000;
    console.log(`\nAll passed, in ${minutes.toFixed(1)} minutes.`);
  }
});
