import { fileURLToPath } from 'node:url';
import base from '../../jest.config.js';

/** @type {import('jest').Config} */
export default {
  ...base,
  rootDir: fileURLToPath(new URL('../..', import.meta.url)),
  roots: ['<rootDir>/test'],
  testMatch: ['<rootDir>/test/compat/**/*.spec.ts'],
  // Installations, one after the other.
  maxWorkers: 1,
  testTimeout: 300_000,
};
