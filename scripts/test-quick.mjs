/**
 * `npm run test:quick`: the unit suite and one test on a real server, in less than
 * a minute. Arguments go to jest.
 */
import { ensureDependencies } from './support/dependencies.mjs';
import { prepareZookeeper } from './support/prepare.mjs';
import { runJest } from './support/run-jest.mjs';
import { runMain, step } from './support/steps.mjs';

await runMain(async () => {
  await step('Dependencies', ensureDependencies);
  await prepareZookeeper();
  await runJest(['test/unit', 'test/e2e/smoke', ...process.argv.slice(2)]);
});
