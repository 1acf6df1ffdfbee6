import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { assert, asyncProperty } from '../../support/fast-check.js';
import {
  TestingServer,
  type TestingRelease,
} from '../../../lib/testing/index.js';
import { history, type History } from '../../differential/history.js';
import {
  HistoryRunner,
  LONG_TIMEOUT_MS,
} from '../../differential/run-history.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const TICK_MS = 50;
const { HISTORIES = '300', EXPIRY_HISTORIES = '5', SEED } = process.env;
const LIMIT_MS = 3_600_000;
/** Containers go at a time of the server's own: not in a history. */
const NEVER_MS = 86_400_000;

describe('the testing server, beside a real one', () => {
  let real: ZookeeperServer;
  let fake: TestingServer;
  let onReal: HistoryRunner;
  let onFake: HistoryRunner;

  beforeAll(async () => {
    real = await ZookeeperServer.start({
      tickTimeMs: TICK_MS,
      maxSessionTimeoutMs: LONG_TIMEOUT_MS,
      jvmArgs: [`-Dznode.container.checkIntervalMs=${NEVER_MS}`],
    });
    fake = await TestingServer.start({
      tickTimeMs: TICK_MS,
      maxSessionTimeoutMs: LONG_TIMEOUT_MS,
      containerCheckMs: NEVER_MS,
      release: await releaseOf(real),
      log: false,
    });
    onReal = await HistoryRunner.start(real.port);
    onFake = await HistoryRunner.start(fake.port);
  });

  afterAll(async () => {
    await onReal?.close();
    await onFake?.close();
    await fake?.close();
    await real?.close();
  });

  async function expectSame(
    histories: number,
    hasExpiries: boolean,
  ): Promise<void> {
    await assert(
      asyncProperty(history(hasExpiries), async (steps: History) => {
        const [expected, actual] = await Promise.all([
          onReal.run(steps),
          onFake.run(steps),
        ]);
        expect(actual).toEqual(expected);
      }),
      { numRuns: histories, ...(SEED && { seed: Number(SEED) }) },
    );
  }

  it(
    'answers the same requests alike, with the same events, in the same order',
    async () => {
      await expectSame(Number(HISTORIES), false);
    },
    LIMIT_MS,
  );

  it(
    'ends sessions that time out alike, with the same events, in the same order',
    async () => {
      await expectSame(Number(EXPIRY_HISTORIES), true);
    },
    LIMIT_MS,
  );
});

/** The release that the real one is of. */
async function releaseOf(server: ZookeeperServer): Promise<TestingRelease> {
  const answer = await server.command('srvr');
  return /version: 3\.8/.test(answer) ? '3.8' : '3.9';
}
