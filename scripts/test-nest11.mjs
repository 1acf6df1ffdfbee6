/**
 * `npm run test:nest11`: the type check and the unit and e2e suites once more,
 * with Nest 11 and @nestjs/schedule 6. Arguments go to jest.
 */
import { ensureInstalled } from './support/dependencies.mjs';
import { prepare, preparePostgres } from './support/prepare.mjs';
import { runJest } from './support/run-jest.mjs';
import { runMain, runNpmScript, step } from './support/steps.mjs';

const jestArguments = process.argv.slice(2);

await runMain(async () => {
  await prepare();
  await preparePostgres();
  await step('Nest 11', () => ensureInstalled('compat/nest11'));
  await step('Build', () => runNpmScript('build'));
  await step('Types', () => runNpmScript('typecheck:nest11'));
  await runJest(['-c', 'compat/nest11/jest.config.js', ...jestArguments]);
});
