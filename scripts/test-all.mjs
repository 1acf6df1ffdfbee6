/**
 * `npm run test:all`: `npm test`, and all that takes too long for every change. It
 * goes on where something fails, and says in the end what has. It takes hours.
 *
 * `npm run test:all -- mutation` runs only what has that word in its title.
 */
import { LONG_SUITES } from './support/long-suites.mjs';
import { prepare } from './support/prepare.mjs';
import {
  runMain,
  runNode,
  runNpmScript,
  step,
  StepFailedError,
} from './support/steps.mjs';

/** @typedef {import('./support/long-suites.mjs').LongSuite} LongSuite */

const words = process.argv.slice(2).map((word) => word.toLowerCase());
/** @type {LongSuite[]} */
const suites = [{ title: 'npm test', script: 'test' }, ...LONG_SUITES];
const chosen = suites.filter(({ title }) =>
  words.every((word) => title.toLowerCase().includes(word)),
);

await runMain(async () => {
  if (chosen.length === 0) {
    const titles = suites.map(({ title }) => `  ${title}`).join('\n');
    throw new StepFailedError(`No title has these words:\n${titles}`, 2);
  }
  await prepare();
  await step('Build', () => runNpmScript('build'));
  const outcomes = [];
  for (const suite of chosen) {
    const startedAt = performance.now();
    const outcome = await step(suite.title, () => run(suite)).then(
      () => 'passed',
      (error) => {
        if (!(error instanceof StepFailedError)) throw error;
        process.exitCode = 1;
        return 'FAILED';
      },
    );
    const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
    outcomes.push(`${outcome} ${minutes.padStart(7)} min  ${suite.title}`);
  }
  const today = new Date().toISOString().slice(0, 10);
  console.log(`\n${today}\n${outcomes.join('\n')}`);
});

/** @param {LongSuite} suite */
function run({ script, args, zookeeper, env }) {
  return zookeeper === undefined
    ? runNpmScript(script, args, env)
    : runNode([
        'scripts/with-zookeeper.mjs',
        zookeeper,
        ...['npm', 'run', '--silent', script, '--', ...(args ?? [])],
      ]);
}
