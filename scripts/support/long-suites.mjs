/**
 * A script of package.json that takes too long for every change. Where this machine
 * cannot run it, it says why in a line, and succeeds.
 *
 * @typedef {object} LongSuite
 * @property {string} title
 * @property {string} script
 * @property {string[]} [args]
 * @property {Record<string, string>} [env] in addition to this environment
 * @property {string} [zookeeper] release of the servers, if not that of the machine
 */

/**
 * What `npm run test:all` adds to `npm test`.
 *
 * @type {readonly LongSuite[]}
 */
export const LONG_SUITES = [
  { title: 'Every mutation', script: 'test:faults:mutations' },
  {
    title: 'Faults, six minutes',
    script: 'test:faults',
    args: ['--minutes', '6'],
  },
  {
    // Half of the instances are of the last version that had a session keeper.
    title: 'Faults in a fleet of two versions, six minutes',
    script: 'test:faults',
    args: ['--former', '57980bf', '--minutes', '6'],
  },
  {
    title: 'Faults with the npm package zookeeper, two minutes',
    script: 'test:faults',
    args: ['--minutes', '2'],
    env: { FAULTS_CLIENT: 'native' },
  },
  {
    title: 'Scenarios on ZooKeeper 3.9',
    script: 'jest',
    args: [
      'test/e2e/scenarios',
      'test/e2e/elections/balance',
      'test/e2e/partitions',
      'test/e2e/security',
      'test/e2e/support',
    ],
    zookeeper: '3.9',
  },
  {
    title: 'Faults on ZooKeeper 3.9, six minutes',
    script: 'test:faults',
    args: ['--minutes', '6'],
    zookeeper: '3.9',
  },
  {
    title: 'The ZooKeeper clients on ZooKeeper 3.9',
    script: 'jest',
    args: ['test/e2e/client'],
    zookeeper: '3.9',
  },
  {
    title: 'Scenarios over TLS, with logins by SASL',
    script: 'jest',
    args: [
      'test/e2e/scenarios',
      'test/e2e/elections',
      // Of the step from open nodes to credentials.
      '--testPathIgnorePatterns=making-way',
    ],
    env: { TEST_CONNECTIONS: 'tls-sasl' },
  },
  {
    title: 'A million random frames',
    script: 'jest',
    args: ['test/unit/zookeeper/random-frames'],
    env: { RANDOM_FRAMES: '1000000' },
  },
  { title: 'Scenarios on the testing server', script: 'test:testing-server' },
  {
    title: 'The testing server beside ZooKeeper 3.8, 10,300 histories',
    script: 'test:differential',
  },
  {
    title: 'The testing server beside ZooKeeper 3.9, 10,300 histories',
    script: 'test:differential',
    zookeeper: '3.9',
  },
  { title: 'Nest 11', script: 'test:nest11' },
  { title: 'Compatibility', script: 'test:compat' },
];
