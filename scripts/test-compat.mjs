/**
 * `npm run test:compat`: the packed library in applications of all kinds, on all
 * supported versions of Node.js. Arguments go to jest.
 */
import { prepare } from './support/prepare.mjs';
import { runJest } from './support/run-jest.mjs';
import { runMain, runNpmScript, step } from './support/steps.mjs';

const jestArguments = process.argv.slice(2);

await runMain(async () => {
  await prepare();
  await step('Build', () => runNpmScript('build'));
  await runJest(['-c', 'test/compat/jest.config.js', ...jestArguments]);
});
