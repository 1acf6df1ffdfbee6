import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { NodeReading } from '../../../lib/session/node-reading.js';
import type { WireClient } from '../../../lib/zookeeper/wire-client.js';
import { JuteWriter } from '../../support/jute.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { multiOf } from '../../support/wire-records.js';
import { WireSession } from '../../support/wire-session.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';
import { connected, wireClient } from './test-clients.js';

// Watches end with their connection, and every reader reads again: no event can be
// lost on the way from one connection to the next.

/** Length, reply header, type, state, and a path of two characters. */
const EVENT_BYTES = 4 + 16 + 8 + 4 + 2;
/** So long that no ping comes between. */
const SESSION_TIMEOUT_MS = 10_000;

let server: ZookeeperServer;
let proxy: TcpProxy;
let writer: WireClient;
let reader: WireClient;

beforeAll(async () => {
  server = await ZookeeperServer.start();
  proxy = await TcpProxy.start({ targetPort: server.port });
  const sessionTimeoutMs = SESSION_TIMEOUT_MS;
  [writer, reader] = await Promise.all([
    connected(wireClient({ ports: [server.port], sessionTimeoutMs })),
    connected(wireClient({ ports: [proxy.port], sessionTimeoutMs })),
  ]);
});
afterEach(() => proxy.heal());
afterAll(async () => {
  await Promise.all([writer.close(), reader.close()]);
  proxy.close();
  await server.close();
});

/** Waits for the connection after `epoch`. */
async function reconnected(epoch: number): Promise<void> {
  await waitFor(
    () =>
      reader.connection.epoch > epoch &&
      reader.connection.state === 'connected',
    { description: 'another connection' },
  );
}

// zookeeper-client-rust #82, go-zookeeper 14e9108
it('a connection that is cut between the two events of a transaction hides neither change', async () => {
  await writer.create('/a', 'old', 'ephemeral');
  await writer.create('/b', 'old', 'ephemeral');
  const events: string[] = [];
  const readings = ['/a', '/b'].map((path) =>
    NodeReading.content(reader, path, () => events.push(path)),
  );
  await Promise.all(readings.map((reading) => reading.read()));
  const { epoch } = reader.connection;

  proxy.cutAfter(EVENT_BYTES, 'replies');
  const other = await WireSession.open({ port: server.port });
  const setting = (path: string): ['setData', JuteWriter] => [
    'setData',
    new JuteWriter().string(path).string('new').int(-1),
  ];
  await other.request('multi', multiOf(setting('/a'), setting('/b')), '/');
  await other.close();
  await reconnected(epoch);

  expect(events).toEqual(['/a']);
  const contents = await Promise.all(readings.map((each) => each.read()));
  expect(contents.map((content) => content?.data)).toEqual(['new', 'new']);
});

// kazoo a7b4539
it('nodes that came, went and changed while there was no connection are found so afterwards', async () => {
  for (const path of ['/changed', '/gone', '/again']) {
    await writer.create(path, 'old', 'ephemeral');
  }
  await writer.create('/parent', '', 'persistent');
  const content = (path: string): NodeReading<{ data: string }> =>
    NodeReading.content(reader, path, () => undefined);
  const readings = ['/changed', '/gone', '/come', '/again'].map(content);
  const children = NodeReading.children(reader, '/parent', () => undefined);
  const look = async (): Promise<unknown[]> => [
    ...(await Promise.all(
      readings.map(async (reading) => (await reading.read())?.data),
    )),
    (await children.read())?.children,
  ];
  expect(await look()).toEqual(['old', 'old', undefined, 'old', []]);

  const { epoch } = reader.connection;
  proxy.refuse();
  proxy.cut();
  await writer.set('/changed', 'new');
  await writer.delete('/gone');
  await writer.create('/come', 'new', 'ephemeral');
  await writer.delete('/again');
  await writer.create('/again', 'new', 'ephemeral');
  await writer.create('/parent/child', '', 'ephemeral');
  await proxy.accept();
  await reconnected(epoch);

  expect(await look()).toEqual(['new', undefined, 'new', 'new', ['child']]);
});
