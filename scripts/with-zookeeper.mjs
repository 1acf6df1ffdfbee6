// @ts-check
/**
 *   node scripts/with-zookeeper.mjs 3.9 npm run jest -- test/e2e/scenarios
 *
 * Runs a command whose ZooKeeper servers are of that release. Where the release
 * cannot be had, it says why and succeeds.
 */
import { ReleaseMissingError, ensureRelease } from './zookeeper/release.mjs';
import { run, runMain } from './support/steps.mjs';

const [version, command, ...args] = process.argv.slice(2);

await runMain(async () => {
  if (version === undefined || command === undefined) {
    console.error('node scripts/with-zookeeper.mjs <version> <command> ...');
    process.exitCode = 2;
    return;
  }
  try {
    const release = await ensureRelease(version);
    console.log(`Servers: ZooKeeper ${release.version} (${release.suite}).`);
    await run(command, args, {
      env: { ...process.env, ZOOKEEPER_HOME: release.home },
    });
  } catch (error) {
    if (!(error instanceof ReleaseMissingError)) throw error;
    console.log(`SKIPPED: ${error.message}`);
  }
});
