// @ts-check
/**
 * `npm run test:differential`: 10,000 random histories without, and 300 with sessions
 * that time out, on the TestingServer and on a real server, compared answer by answer.
 * `HISTORIES`, `EXPIRY_HISTORIES` and `SEED` choose others.
 */
import { runJest } from './support/run-jest.mjs';
import { runMain } from './support/steps.mjs';

process.env.HISTORIES ??= '10000';
process.env.EXPIRY_HISTORIES ??= '300';

await runMain(() => runJest(['test/e2e/testing-server/differential']));
