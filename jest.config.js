import { swcOptions } from './scripts/support/swc-options.mjs';

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/lib', '<rootDir>/test', '<rootDir>/sample'],
  testMatch: [
    '<rootDir>/test/{unit,e2e,packaging}/**/*.spec.ts',
    '<rootDir>/sample/*/test/**/*.spec.ts',
  ],
  injectGlobals: false,
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    // A child process is forked from the directory that this module names, and
    // only the build has JavaScript there: the sources would name TypeScript.
    '/guardian-path\\.cjs$': '<rootDir>/dist/esm/guardian/guardian-path.cjs',
    '/page-path\\.cjs$': '<rootDir>/dist/esm/dashboard/page/page-path.cjs',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/compat'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', swcOptions],
  },
  globalSetup: '<rootDir>/scripts/support/fresh-build.mjs',
  testSequencer: '<rootDir>/scripts/support/suite-sequencer.cjs',
  // The last resort: what tests wait for has deadlines of its own. A test of the
  // command line starts a dozen processes, each of which takes seconds on a busy machine.
  testTimeout: 120_000,
  maxWorkers: 2,
  workerIdleMemoryLimit: '400MB',
  restoreMocks: true,
  coverageProvider: 'v8',
  collectCoverageFrom: [
    'lib/**/*.ts',
    '!lib/**/index.ts',
    '!lib/**/*.interface.ts',
  ],
  coverageDirectory: 'coverage',
};
