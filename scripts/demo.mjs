// @ts-check
/**
 * `npm run demo`: instances of the sample application elect a leader, the
 * leader runs the cron job, tips over, and the next one takes over, down to the
 * last. Works on a clean clone with nothing but Node.js and npm.
 */
import { parseDemoArguments } from './demo/arguments.mjs';
import { printSummary } from './demo/summary.mjs';
import { ensureDependencies } from './support/dependencies.mjs';
import { runMain, runNpmScript, step } from './support/steps.mjs';

await runMain(async () => {
  const settings = parseDemoArguments(process.argv.slice(2));
  if (!settings) {
    return;
  }
  await step('Dependencies', ensureDependencies);
  await step('Build', () => runNpmScript('build'));
  const { buildSample } = await import('./support/build-sample.mjs');
  const main = await step('Sample', () => buildSample('01-tipping-over'));
  const { findDemoZookeeper } = await import('./demo/zookeeper.mjs');
  const { playStory } = await import('./demo/story.mjs');
  const zookeeper = await step('ZooKeeper', findDemoZookeeper);
  try {
    const story = await playStory(main, zookeeper.connectionString, settings);
    printSummary(story, settings);
  } finally {
    await zookeeper.close();
  }
});
