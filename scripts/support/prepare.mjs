import {
  ensurePostgres,
  PostgresMissingError,
} from '../postgres/installation.mjs';
import {
  ensureZookeeper,
  ZookeeperMissingError,
} from '../zookeeper/installation.mjs';
import { ensureChromium } from './chromium.mjs';
import { ensureDependencies, ensureNativeClient } from './dependencies.mjs';
import { ensurePromtool } from './promtool.mjs';
import { step, StepFailedError } from './steps.mjs';

/** Makes a clean clone ready to build, and to run all tests. */
export async function prepare() {
  await step('Dependencies', async () => {
    await ensureDependencies();
    await ensureNativeClient();
  });
  await prepareZookeeper();
  await step('Tools', async () => {
    const promtool = await ensurePromtool();
    const chromium = await ensureChromium();
    console.log(`Using ${promtool} and ${chromium}.`);
  });
}

export async function prepareZookeeper() {
  await step('ZooKeeper', async () => {
    const { description } = await orFailStep(ensureZookeeper());
    console.log(`Using ${description}.`);
  });
}

/** What the tests need besides. */
export async function preparePostgres() {
  await step('PostgreSQL', async () => {
    console.log(`Using ${await orFailStep(ensurePostgres())}.`);
  });
}

/**
 * @template T
 * @param {Promise<T>} installation
 */
async function orFailStep(installation) {
  try {
    return await installation;
  } catch (error) {
    // What to do about it stands in the message: no stack trace.
    throw error instanceof ZookeeperMissingError ||
      error instanceof PostgresMissingError
      ? new StepFailedError(error.message)
      : error;
  }
}
