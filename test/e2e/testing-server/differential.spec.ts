import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TestingServer } from '../../../lib/testing/index.js';
import { history, type History } from '../../differential/history.js';
import { HistoryRunner } from '../../differential/run-history.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const TICK_MS = 50;
const { HISTORIES = '300', EXPIRY_HISTORIES = '5', SEED } = process.env;
const LIMIT_MS = 3_600_000;

describe('the testing server, beside a real one', () => {
  let real: ZookeeperServer;
  let fake: TestingServer;
  let onReal: HistoryRunner;
  let onFake: HistoryRunner;

  beforeAll(async () => {
    real = await ZookeeperServer.start({ tickTimeMs: TICK_MS });
    fake = await TestingServer.start({
      tickTimeMs: TICK_MS,
      release: '3.8',
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

  async function check(histories: number, hasExpiries: boolean): Promise<void> {
    await fc.assert(
      fc.asyncProperty(history(hasExpiries), async (steps: History) => {
        const [expected, actual] = await Promise.all([
          onReal.run(steps),
          onFake.run(steps),
        ]);
        expect(actual).toEqual(expected);
      }),
      { numRuns: histories, ...(SEED && { seed: Number(SEED) }) },
    );
  }

  test(
    'answers the same requests with the same answers and events, in the same order',
    () => check(Number(HISTORIES), false),
    LIMIT_MS,
  );

  test(
    'ends sessions that time out with the same events, in the same order',
    () => check(Number(EXPIRY_HISTORIES), true),
    LIMIT_MS,
  );
});
