import {
  ensureZookeeper,
  ZookeeperMissingError,
} from '../zookeeper/installation.mjs';
import { ensureChromium } from './chromium.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { ensurePromtool } from './promtool.mjs';
import { step, StepFailedError } from './steps.mjs';

/** Makes a clean clone ready to build, and to run all tests. */
export async function prepare() {
  await step('Dependencies', ensureDependencies);
  await step('ZooKeeper', async () => {
    const { description } = await findOrInstallZookeeper();
    console.log(`Using ${description}.`);
  });
  await step('Tools', async () => {
    const promtool = await ensurePromtool();
    const chromium = await ensureChromium();
    console.log(`Using ${promtool} and ${chromium}.`);
  });
}

async function findOrInstallZookeeper() {
  try {
    return await ensureZookeeper();
  } catch (error) {
    // What to do about it stands in the message: no stack trace.
    throw error instanceof ZookeeperMissingError
      ? new StepFailedError(error.message)
      : error;
  }
}
