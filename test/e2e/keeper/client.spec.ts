import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { freePort } from '../../../scripts/zookeeper/free-port.mjs';
import { KeeperClient } from '../../../lib/native/keeper-client.js';
import type {
  ConnectionState,
  ZookeeperClient,
} from '../../../lib/zookeeper/zookeeper-client.interface.js';
import { FrameSplitter } from '../../support/frame-splitter.js';
import { ProcessInstance } from '../../support/process-instance.js';
import { descendants } from '../../support/process-table.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperEnsemble } from '../../support/zookeeper-ensemble.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const SESSION_TIMEOUT_MS = 2_000;
const BROKEN_WRITE = fileURLToPath(
  new URL('../../support/broken-write.main.mjs', import.meta.url),
);

let server: ZookeeperServer;
const clients: ZookeeperClient[] = [];

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});
afterAll(() => server.close());

function newClient(
  port: number,
  notices: string[] = [],
  ports: number[] = [port],
  sessionTimeoutMs = SESSION_TIMEOUT_MS,
): KeeperClient {
  const client = new KeeperClient({
    servers: ports.map((one) => ({ host: '127.0.0.1', port: one })),
    sessionTimeoutMs,
    maxStallMs: 30_000,
    onNotice: ({ text }) => notices.push(text),
  });
  clients.push(client);
  return client;
}

async function reached(
  client: ZookeeperClient,
  state: ConnectionState,
): Promise<void> {
  await waitFor(() => client.connection.state === state, {
    description: `the state ${state}`,
  });
}

/** Arguments that a server is asked about; it likes them or not. */
const PATHS = ['/a//b', '/😀', '/../x', '/a/', '/', '/fine', '/\ud800'];
/** Arguments that no server ever sees. */
const ODD = ['', 'relative', '/a\0b', undefined, null, 7, 7n, Symbol('/'), {}];

/** Every request with good arguments; how each of them ended. */
function callEverything(client: ZookeeperClient): Promise<string[]> {
  return outcomes(
    PATHS.flatMap((path) => [
      client.create(path, 'data', 'ephemeral'),
      client.get(path, () => undefined),
      client.getChildren(path, () => undefined),
      client.set(path, 'data', 12),
      client.delete(path, 99),
      client.sync(path),
    ]),
  );
}

/** Every request with odd arguments; how each of them ended. */
function callOddly(client: ZookeeperClient): Promise<string[]> {
  const odd = ODD as string[];
  return outcomes([
    ...odd.flatMap((path) => [
      client.create(path, 'data', 'ephemeral'),
      client.get(path, () => undefined),
      client.getChildren(path, () => undefined),
      client.set(path, 'data', 12),
      client.delete(path, 99),
      client.sync(path),
    ]),
    ...(
      [1.5, NaN, -2, 2 ** 31, 7n, '1', null, Symbol('1')] as number[]
    ).flatMap((version) => [
      client.set('/fine', 'data', version),
      client.delete('/fine', version),
    ]),
    ...([7, null, {}, Symbol('data'), Buffer.from('data')] as string[]).flatMap(
      (data) => [
        client.set('/fine', data),
        client.create('/fine', data, 'ephemeral'),
      ],
    ),
    client.create('/fine', 'data', 'eternal' as 'ephemeral'),
    // More than a server takes: it would drop the connection.
    client.create('/fine', '€'.repeat(400_000), 'ephemeral'),
  ]);
}

async function outcomes(calls: Promise<unknown>[]): Promise<string[]> {
  const results = await Promise.allSettled(calls);
  return results.map((result) =>
    result.status === 'fulfilled'
      ? 'fulfilled'
      : (result.reason as { code: string }).code,
  );
}

describe('a client', () => {
  it('settles every request in every state, and no process is aborted', async () => {
    const proxy = await TcpProxy.start({ targetPort: server.port });
    const notices: string[] = [];
    const client = newClient(proxy.port, notices);
    const expectOnly = async (code: string): Promise<void> => {
      expect(new Set(await callEverything(client))).toEqual(new Set([code]));
      expect(new Set(await callOddly(client))).toEqual(
        new Set(['BAD_ARGUMENTS']),
      );
    };

    await expectOnly('CONNECTION_LOSS');
    proxy.refuse();
    await client.start();
    await expectOnly('CONNECTION_LOSS');
    await proxy.accept();
    await reached(client, 'connected');
    expect(await callEverything(client)).toEqual(
      expect.arrayContaining(['fulfilled', 'BAD_ARGUMENTS', 'NO_NODE']),
    );
    expect(new Set(await callOddly(client))).toEqual(
      new Set(['BAD_ARGUMENTS']),
    );
    const { epoch } = client.connection;
    proxy.refuse();
    proxy.cut();
    await reached(client, 'suspended');
    await expectOnly('CONNECTION_LOSS');
    await reached(client, 'lost');
    await expectOnly('CONNECTION_LOSS');
    expect(client.connection.epoch).toBe(epoch);
    await proxy.accept();
    await reached(client, 'connected');
    const states: string[] = [];
    client.connection$.subscribe(({ state }) => states.push(state));
    const cut = callEverything(client);
    const closing = [client.close(), client.close()];
    await expectOnly('CLOSED');
    expect(new Set(await cut)).toEqual(new Set(['CLOSED']));
    await Promise.all(closing);
    await expectOnly('CLOSED');
    await expect(client.start()).rejects.toMatchObject({ code: 'CLOSED' });
    expect(states).toEqual(['connected', 'closed']);
    expect(notices.filter((text) => /keeper/.test(text))).toEqual([]);
    proxy.close();
  });

  it('settles thousands of requests that a frozen keeper does not take', async () => {
    const before = new Set(descendants(process.pid).map(({ pid }) => pid));
    const client = newClient(server.port);
    await client.start();
    await reached(client, 'connected');
    const keeper = descendants(process.pid).find(({ pid }) => !before.has(pid));
    process.kill(keeper?.pid as number, 'SIGSTOP');
    const data = 'x'.repeat(1_000);
    const calls = Array.from({ length: 20_000 }, () =>
      client.set('/none', data),
    );
    const results = await Promise.allSettled(calls);
    expect(results.every(({ status }) => status === 'rejected')).toBe(true);
    await reached(client, 'connected');
  });

  it('keeps its session when the server that serves it is killed, and reconnects at once', async () => {
    const ensemble = await ZookeeperEnsemble.start({ size: 3 });
    const notices: string[] = [];
    const client = newClient(
      0,
      notices,
      ensemble.servers.map(({ port }) => port),
      // The election of another leading server may take longer than a short one.
      20_000,
    );
    await client.start();
    await reached(client, 'connected');
    const { sessionId, epoch } = client.connection;
    const port = Number(
      /at 127\.0\.0\.1:(\d+)/.exec(notices[0] as string)?.[1],
    );
    const serving = ensemble.servers.find((one) => one.port === port);
    const killedAt = performance.now();
    await serving?.stop();
    await waitFor(() => client.connection.epoch > epoch, {
      description: 'another connection',
    });
    process.stdout.write(
      `reconnected after ${(performance.now() - killedAt).toFixed(0)} ms\n`,
    );
    expect(client.connection.sessionId).toBe(sessionId);
    await client.close();
    await ensemble.close();
  });

  it('outlives a connection that breaks between a reply and the next request', async () => {
    const connection = new ProcessInstance(BROKEN_WRITE, {
      env: { PORT: String(server.port) },
    });
    const { code } = await connection.exited;
    expect(connection.stderr).toBe('');
    expect(code).toBe(0);
    expect(connection.events).toMatchObject([{ type: 'disconnected' }]);
  });

  it('takes an answer that is out of turn for the loss of the connection', async () => {
    let isNextAnswerWrong = false;
    const relay = createServer((socket) => {
      const upstream = connect({ port: server.port, host: '127.0.0.1' });
      const splitter = new FrameSplitter();
      for (const each of [socket, upstream]) {
        each.on('error', () => undefined);
        each.on('close', () => {
          socket.destroy();
          upstream.destroy();
        });
      }
      socket.pipe(upstream);
      upstream.on('data', (bytes: Buffer) => {
        for (const frame of splitter.push(bytes)) {
          const xid = frame.readInt32BE(4);
          // Not those of pings and watches.
          if (isNextAnswerWrong && xid > 0) {
            isNextAnswerWrong = false;
            frame.writeInt32BE(xid + 1_000, 4);
          }
          socket.write(frame);
        }
      });
    });
    await once(relay.listen(0, '127.0.0.1'), 'listening');
    const client = newClient((relay.address() as AddressInfo).port);
    await client.start();
    await reached(client, 'connected');
    const { epoch, sessionId } = client.connection;
    isNextAnswerWrong = true;
    await expect(client.get('/')).rejects.toMatchObject({
      code: 'CONNECTION_LOSS',
    });
    await waitFor(() => client.connection.epoch > epoch, {
      description: 'another connection',
    });
    expect(client.connection.sessionId).toBe(sessionId);
    await expect(client.get('/')).resolves.toHaveProperty('data');
    await client.close();
    relay.close();
  });

  it('gets past a server that takes connections and never answers', async () => {
    const silent = await TcpProxy.start({ targetPort: server.port });
    silent.drop();
    const client = newClient(
      0,
      [],
      [silent.port, server.port, await freePort()],
    );
    await client.start();
    await reached(client, 'connected');
    expect(client.connection.sessionTimeoutMs).toBe(SESSION_TIMEOUT_MS);
    silent.close();
  });
});
