import { fileURLToPath } from 'node:url';
import base from '../../jest.config.js';

const dependencies = '<rootDir>/compat/nest11/node_modules';

/**
 * The unit and e2e suites again, with Nest 11 and @nestjs/schedule 6 in the
 * place of the versions that the root package.json names.
 *
 * @type {import('jest').Config}
 */
export default {
  ...base,
  rootDir: fileURLToPath(new URL('../..', import.meta.url)),
  testMatch: ['<rootDir>/test/{unit,e2e}/**/*.spec.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist'],
  // Of the tools that `nest add` runs with there is one version, the CLI's.
  testPathIgnorePatterns: ['/node_modules/', '/nest-add\\.spec\\.ts$'],
  moduleNameMapper: {
    ...base.moduleNameMapper,
    '^(@nestjs/.+|rxjs|rxjs/.+|reflect-metadata)$': `${dependencies}/$1`,
  },
};
