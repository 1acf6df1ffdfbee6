import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  test,
} from '@jest/globals';
import { Canary } from '../../faults/canary.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient } from '../../support/wire-client.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

describe('Canary', () => {
  let server: ZookeeperServer;
  let canary: Canary;

  beforeAll(async () => {
    server = await ZookeeperServer.start();
  });

  afterEach(() => canary.stop());

  afterAll(() => server.close());

  async function afterWrites(): Promise<void> {
    canary = new Canary({
      anyServing: async () => ({ id: 1, server, linksTo: new Map() }),
    });
    await waitFor(() => canary.acknowledged >= 5);
  }

  async function lostSince(): Promise<number | undefined> {
    const client = await WireClient.connect({ port: server.port });
    try {
      return await canary.lostSince(client);
    } finally {
      await client.close();
    }
  }

  test('finds nothing lost when a server comes back with its data', async () => {
    await afterWrites();
    await server.restart();
    expect(await lostSince()).toBeUndefined();
  });

  test('finds that acknowledged writes are lost, and since when', async () => {
    const startedMs = performance.now();
    await afterWrites();
    await server.stop();
    await server.wipe();
    await server.start();
    expect(await lostSince()).toBeGreaterThan(startedMs);
  });

  test('does not count what was written before the data were removed on purpose', async () => {
    await afterWrites();
    await server.stop();
    canary.forget();
    await server.wipe();
    await server.start();
    expect(await lostSince()).toBeUndefined();
  });
});
