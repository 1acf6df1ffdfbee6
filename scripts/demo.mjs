// @ts-check
/**
 * `npm run demo`: instances of the sample application elect a leader, the
 * leader runs the cron job, tips over, and the next one takes over, down to the
 * last. Works on a clean clone with nothing but Node.js and npm.
 */
import { writeFile } from 'node:fs/promises';
import { parseDemoArguments } from './demo/arguments.mjs';
import { listenForInterruption } from './demo/interruption.mjs';
import { drawStory } from './demo/picture.mjs';
import { playStory } from './demo/play.mjs';
import { printSummary } from './demo/summary.mjs';
import { findDemoZookeeper } from './demo/zookeeper.mjs';
import { buildLibrary, isBuildStale } from './support/build-library.mjs';
import { buildSample } from './support/build-sample.mjs';
import { ensureDependencies } from './support/dependencies.mjs';
import { runMain, step } from './support/steps.mjs';

await runMain(async () => {
  const settings = parseDemoArguments(process.argv.slice(2));
  if (!settings) {
    return;
  }
  await step('Dependencies', ensureDependencies);
  const main = await step('Build', async () => {
    if (await isBuildStale()) {
      await buildLibrary({ check: false });
    }
    return buildSample('01-tipping-over');
  });
  const interrupted = listenForInterruption();
  const zookeeper = await step('ZooKeeper', findDemoZookeeper);
  try {
    const { connectionString } = zookeeper;
    const story = await playStory(
      main,
      connectionString,
      settings,
      interrupted,
    );
    interrupted.throwIfAborted();
    printSummary(story, settings);
    if (settings.picture !== undefined) {
      await writeFile(settings.picture, drawStory(story, settings));
    }
  } finally {
    await zookeeper.close();
  }
});
