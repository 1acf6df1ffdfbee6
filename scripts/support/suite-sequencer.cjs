const path = require('node:path');
const { default: Sequencer } = require('@jest/test-sequencer');

/** @typedef {import('@jest/test-result').Test} Test */

const suites = ['unit', 'e2e', 'packaging'];

/**
 * The quick suites run first: a mistake shows early. The packaging suite runs
 * last: its installations and compilers do not compete with tests that measure
 * time. Within a suite jest's own order holds (failed, then slow first).
 */
module.exports = class SuiteSequencer extends Sequencer {
  /**
   * @override
   * @param {Test[]} tests
   */
  async sort(tests) {
    // oxlint-disable-next-line unicorn/no-array-sort -- not that of an array
    const inUsualOrder = await super.sort(tests);
    return inUsualOrder.toSorted((a, b) => suiteRank(a) - suiteRank(b));
  }
};

/**
 * The tests of the samples count as e2e tests.
 *
 * @param {Test} test
 */
function suiteRank({ path: file, context }) {
  const [folder, suite = ''] = path
    .relative(context.config.rootDir, file)
    .split(path.sep);
  return suites.indexOf(folder === 'sample' ? 'e2e' : suite);
}
