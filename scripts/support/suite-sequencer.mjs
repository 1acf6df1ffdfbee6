import Sequencer from '@jest/test-sequencer';

const suites = ['unit', 'e2e', 'packaging'];

/**
 * The quick suites first, so that a mistake shows early; the packaging suite
 * last, so that its installations and compilers do not compete with tests that
 * measure time. Within a suite jest's own order holds (failed, then slow first).
 */
export default class SuiteSequencer extends Sequencer {
  sort(tests) {
    // oxlint-disable-next-line unicorn/no-array-sort -- not that of an array
    const inUsualOrder = super.sort(tests);
    return inUsualOrder.toSorted((a, b) => suiteRank(a) - suiteRank(b));
  }
}

function suiteRank({ path: file, context }) {
  const suite = file
    .slice(context.config.rootDir.length)
    .split(/[\\/]/)
    .find((segment) => suites.includes(segment));
  return suites.indexOf(suite);
}
