import { ensureZookeeper } from '../zookeeper/installation.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { step } from './steps.mjs';

/** Makes a clean clone ready to build and to start ZooKeeper servers. */
export async function prepare() {
  await step('Dependencies', ensureDependencies);
  await step('ZooKeeper', async () => {
    const { description } = await ensureZookeeper();
    console.log(`Using ${description}.`);
  });
}
