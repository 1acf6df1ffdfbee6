/**
 * `npm run test:testing-server`: the tests that need a ZooKeeper, but neither a quorum
 * nor a real one, on the TestingServer. Arguments go to jest.
 */
import { runJest } from './support/run-jest.mjs';
import { runMain } from './support/steps.mjs';

/** The others start ensembles, or look into the files of a server. */
const SUITES = [
  ...['basics', 'create-delete-races', 'leaving', 'requests', 'session'].map(
    (name) => `test/e2e/scenarios/${name}`,
  ),
];

process.env.TEST_ZOOKEEPER = 'testing';

await runMain(() => runJest([...SUITES, ...process.argv.slice(2)]));
