import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { KeeperClient } from '../../../lib/native/keeper-client.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

let server: ZookeeperServer;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterAll(() => server.close());

/** The processes that hold the sessions of this one. */
function keepers(): ChildProcess[] {
  const { _getActiveHandles: handles } = process as unknown as {
    _getActiveHandles(): object[];
  };
  return handles
    .call(process)
    .filter((handle): handle is ChildProcess => 'spawnargs' in handle)
    .filter(({ spawnargs }) => /keeper\.main/.test(spawnargs.join(' ')));
}

it('the end of the channel ends no session while the application lives', async () => {
  const client = new KeeperClient({
    servers: [{ host: '127.0.0.1', port: server.port }],
    sessionTimeoutMs: 6_000,
    maxStallMs: 30_000,
    onNotice: () => undefined,
  });
  await client.start();
  await waitFor(() => client.connection.state === 'connected');
  const { sessionId, epoch } = client.connection;
  keepers()[0]?.disconnect();
  await waitFor(
    () =>
      client.connection.state === 'connected' &&
      client.connection.epoch > epoch,
    { description: 'another keeper to take the session over' },
  );
  expect(client.connection.sessionId).toBe(sessionId);
  await client.close();
});
