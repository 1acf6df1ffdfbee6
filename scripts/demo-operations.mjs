// @ts-check
/**
 * `npm run demo:operations`: three instances of the sample with health checks,
 * metrics and the dashboard, until Ctrl-C.
 */
import { once } from 'node:events';
import { DemoInstance } from './demo/instance.mjs';
import { listenForInterruption } from './demo/interruption.mjs';
import { findDemoZookeeper } from './demo/zookeeper.mjs';
import { buildLibrary, isBuildStale } from './support/build-library.mjs';
import { buildSample } from './support/build-sample.mjs';
import { ensureDependencies } from './support/dependencies.mjs';
import { runMain, step } from './support/steps.mjs';

const INSTANCES = 3;

await runMain(async () => {
  const firstPort = Number(process.env.PORT ?? 3000);
  await step('Dependencies', ensureDependencies);
  const main = await step('Build', async () => {
    if (await isBuildStale()) {
      await buildLibrary({ check: false });
    }
    return buildSample('02-operations');
  });
  const interrupted = listenForInterruption();
  const zookeeper = await step('ZooKeeper', findDemoZookeeper);
  /** @type {DemoInstance[]} */
  const instances = [];
  try {
    console.log('');
    for (let number = 1; number <= INSTANCES; number++) {
      const port = String(firstPort + number - 1);
      const env = {
        PORT: port,
        INSTANCE_ID: `instance-${number}`,
        ZOOKEEPER_CONNECTION_STRING: zookeeper.connectionString,
      };
      const instance = new DemoInstance(number, main, env, (line) =>
        console.log(`[${number}] ${line}`),
      );
      instances.push(instance);
      console.log(`Instance ${number}: http://127.0.0.1:${port}/leadership`);
      void instance.ended.then(() => console.log(`[${number}] has ended`));
    }
    if (!interrupted.aborted) {
      await once(interrupted, 'abort');
    }
  } finally {
    await Promise.all(instances.map((instance) => instance.close()));
    await zookeeper.close();
  }
});
