import { readdirSync } from 'node:fs';
import { Socket } from 'node:net';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { freePort } from '../../../scripts/zookeeper/free-port.mjs';
import { JuteWriter } from '../../../lib/zookeeper/codec/jute-writer.js';
import { stat } from '../../../lib/zookeeper/codec/stat.record.js';
import { TlsSource } from '../../../lib/zookeeper/connection/tls-source.js';
import type {
  GuardedSession,
  SessionGuardian,
} from '../../../lib/zookeeper/session-guardian.interface.js';
import type {
  WireClient,
  WireClientOptions,
} from '../../../lib/zookeeper/wire-client.js';
import { ByteRelay } from '../../support/byte-relay.js';
import { Certificates } from '../../support/certificates.js';
import {
  NO_STAT,
  ScriptedServer,
  grant,
} from '../../support/scripted-server.js';
import { SecureServer } from '../../support/secure-server.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient as ObservingClient } from '../../support/wire-client.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';
import { connected, reached, wireClient } from './test-clients.js';

let server: ZookeeperServer;
const clients: WireClient[] = [];

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});
afterAll(() => server.close());

function make(
  port: number,
  options: Partial<WireClientOptions> & { timeoutMs?: number } = {},
): WireClient {
  const { timeoutMs = 2_000, ...rest } = options;
  const client = wireClient(
    { ports: [port], sessionTimeoutMs: timeoutMs },
    rest,
  );
  clients.push(client);
  return client;
}

/** Keeps the event loop busy: nothing else can happen. */
function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** Each byte is a record of its own. */
async function writeByteByByte(socket: Socket, bytes: Buffer): Promise<void> {
  for (const byte of bytes) {
    await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
  }
}

/** Writes down what it is told, and acknowledges when it is let. */
class RecordingGuardian implements SessionGuardian {
  readonly calls: string[] = [];
  readonly sessions: GuardedSession[] = [];
  signs = 0;
  acknowledge: (isGuarded: boolean) => void = () => undefined;

  start(): Promise<void> {
    this.calls.push('start');
    return Promise.resolve();
  }

  guard(session: GuardedSession): Promise<boolean> {
    this.calls.push('guard');
    this.sessions.push(session);
    return new Promise((resolve) => {
      this.acknowledge = resolve;
    });
  }

  signOfLife(): void {
    this.signs += 1;
  }

  release(): Promise<void> {
    this.calls.push('release');
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.calls.push('stop');
    return Promise.resolve();
  }
}

describe('a session', () => {
  // kazoo #633
  it('outlives a flood of answers that is larger than all buffers', async () => {
    const client = await connected(make(server.port));
    const { epoch, sessionId } = client.connection;
    const data = 'x'.repeat(500_000);
    await client.create('/flood', data, 'ephemeral');
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, () =>
        client.get('/flood').then(
          (content) => content.data === data,
          ({ code }: { code: string }) => code,
        ),
      ),
    );
    // Where the machine is busy, the last ones may be late.
    expect(outcomes[0]).toBe(true);
    for (const outcome of outcomes) {
      expect([true, 'TIMEOUT']).toContain(outcome);
    }
    expect(client.connection).toMatchObject({
      state: 'connected',
      epoch,
      sessionId,
    });
  });

  // kazoo #42
  it('is followed by another when the server comes back without its data', async () => {
    const own = await ZookeeperServer.start();
    const client = await connected(make(own.port, { timeoutMs: 1_000 }));
    const { sessionId } = client.connection;
    for (let count = 0; count < 20; count++) {
      await client.create('/n-', '', 'ephemeral-sequential');
    }
    await own.stop();
    await own.wipe();
    await own.start();
    await waitFor(
      () =>
        client.connection.state === 'connected' &&
        client.connection.sessionId !== sessionId,
    );
    await client.create('/again', '', 'ephemeral');
    await client.close();
    await own.close();
  });

  // ZOOKEEPER-4508
  it('is presumed lost when nobody has answered for its timeout, and another follows', async () => {
    const proxy = await TcpProxy.start({ targetPort: server.port });
    const client = await connected(make(proxy.port, { timeoutMs: 1_000 }));
    const { sessionId } = client.connection;
    // A black hole: connections are accepted, and bytes vanish.
    proxy.drop();
    await reached(client, 'lost');
    await waitFor(async () => !(await server.sessions()).has(sessionId ?? ''), {
      description: 'the server to have expired the session',
    });
    await proxy.heal();
    await reached(client, 'connected');
    expect(client.connection.sessionId).not.toBe(sessionId);
    await client.close();
    proxy.close();
  });

  // ZOOKEEPER-4921
  it('begins when the first server answers, however long that takes', async () => {
    const port = await freePort();
    const client = make(port, { timeoutMs: 500 });
    const states: string[] = [];
    client.connection$.subscribe(({ state }) => states.push(state));
    await client.start();
    const startedAtMs = performance.now();
    await waitFor(() => performance.now() - startedAtMs > 1_000, {
      description: 'twice the session timeout',
    });
    // kazoo #374: nothing can have expired.
    expect(states).toEqual(['connecting']);
    const late = await ZookeeperServer.start({ port });
    await reached(client, 'connected');
    await client.close();
    await late.close();
  });

  it('of a stalled process is kept by a connection that attaches to it, and taken back with all outcomes known', async () => {
    const proxy = await TcpProxy.start({ targetPort: server.port });
    const client = await connected(make(proxy.port));
    const { sessionId, epoch } = client.connection;
    await client.create('/stalled', '', 'ephemeral');
    const session = proxy.lastSession(sessionId);
    // Attached as a guardian does it, while this process is blocked.
    const attached = ObservingClient.connect({ port: server.port, ...session });
    block(700);
    const written = client.set('/stalled', 'after').then(
      () => 'written',
      (error: { code: string }) => error.code,
    );
    const other = await attached;
    expect(await written).toMatch(/written|CONNECTION_LOSS/);
    await waitFor(
      () =>
        client.connection.state === 'connected' &&
        client.connection.epoch > epoch,
    );
    expect(client.connection.sessionId).toBe(sessionId);
    expect((await client.get('/stalled')).stat.ephemeralOwner).toBe(sessionId);
    await other.close().catch(() => undefined);
    await client.close();
    proxy.close();
  });

  it('writes nothing right after a stall, before it has seen whether its connection is gone', async () => {
    const proxy = await TcpProxy.start({ targetPort: server.port });
    const client = await connected(make(proxy.port));
    await client.create('/gap', '', 'ephemeral');
    const { version } = (await client.get('/gap')).stat;
    // Whatever comes first after the stall finds the connection reset.
    proxy.cut();
    await new Promise((resolve) => setTimeout(resolve, 0));
    block(700);
    const outcome = await client.set('/gap', 'lost').then(
      () => 'written',
      (error: { code: string }) => error.code,
    );
    await reached(client, 'connected');
    const after = (await client.get('/gap')).stat.version;
    expect(after - version).toBe(outcome === 'written' ? 1 : 0);
    await client.close();
    proxy.close();
  });
});

describe('watches', () => {
  // go-zookeeper 6f3354f, ZOOKEEPER-706
  it('of tens of thousands of paths do not keep a client from reconnecting, and end with their connection', async () => {
    const proxy = await TcpProxy.start({ targetPort: server.port });
    const client = await connected(make(proxy.port, { timeoutMs: 6_000 }));
    const { epoch, sessionId } = client.connection;
    let events = 0;
    const name = 'x'.repeat(60);
    const paths = Array.from({ length: 20_000 }, (_, i) => `/w-${name}-${i}`);
    await client.create('/watched', '', 'ephemeral');
    await Promise.allSettled(
      paths.map((path) => client.get(path, () => (events += 1))),
    );
    await client.get('/watched', () => (events += 1));
    proxy.cut();
    await waitFor(() => client.connection.epoch > epoch);
    expect(client.connection.sessionId).toBe(sessionId);
    await client.set('/watched', 'x');
    await client.sync('/watched');
    expect(events).toBe(0);
    await client.close();
    proxy.close();
  });

  // zookeeper-client-rust d742c95, d20c161
  it('are set and taken back in any order without hurting each other', async () => {
    const client = await connected(make(server.port));
    await client.create('/interleaved', '', 'ephemeral');
    const called: string[] = [];
    const first = (): void => void called.push('first');
    const second = (): void => void called.push('second');
    // Taken back and set again while the read is on its way.
    const one = client.get('/interleaved', first);
    client.unwatch('/interleaved', first);
    const two = client.get('/interleaved', second);
    await Promise.all([one, two]);
    // Taken back while another is still needed.
    await client.get('/interleaved', first);
    client.unwatch('/interleaved', first);
    // Taken back by a read that fails.
    await client.get('/none', first).catch(() => undefined);
    client.unwatch('/none', first);
    await client.set('/interleaved', 'x');
    await client.sync('/interleaved');
    expect(called).toEqual(['second']);
    const counters = await server.counters();
    expect(counters.watch_count).toBe(0);
  });

  it('that nobody needs any more are forgotten by the server, too', async () => {
    const client = await connected(make(server.port));
    await client.create('/needless', '', 'ephemeral');
    const watcher = (): void => undefined;
    await client.get('/needless', watcher);
    await client.getChildren('/needless', watcher);
    expect((await server.counters()).watch_count).toBe(2);
    client.unwatch('/needless', watcher);
    await client.sync('/needless');
    expect((await server.counters()).watch_count).toBe(0);
  });
});

describe('connections', () => {
  // kazoo #577, ZOOKEEPER-4736
  it('that fail by the thousand leave nothing open, and then one succeeds', async () => {
    const openFiles = (): number => readdirSync('/proc/self/fd').length;
    const port = await freePort();
    let refusals = 0;
    const client = make(0, {
      servers: [{ host: 'many.example.org', port }],
      resolveName: () => {
        refusals += 500;
        return Promise.resolve(
          Array.from({ length: 500 }, (_, i) =>
            refusals > 5_000
              ? '127.0.0.1'
              : `127.0.${i % 250}.${(1 + i / 250) | 0}`,
          ),
        );
      },
    });
    const before = openFiles();
    await client.start();
    await waitFor(() => refusals > 5_000, { timeoutMs: 40_000 });
    expect(openFiles() - before).toBeLessThan(20);
    const late = await ZookeeperServer.start({ port });
    await reached(client, 'connected');
    await client.close();
    await late.close();
  });

  it('are made to the address that a name has now, and one bad name spoils no other', async () => {
    const addresses: Record<string, () => Promise<string[]>> = {
      'gone.example.org': () => Promise.reject(new Error('no such name')),
      'slow.example.org': () => new Promise(() => undefined),
      'zk.example.org': () => Promise.resolve(['127.0.0.1']),
    };
    const client = make(0, {
      servers: Object.keys(addresses).map((host) => ({
        host,
        port: server.port,
      })),
      resolveName: (name) => (addresses[name] as () => Promise<string[]>)(),
    });
    await connected(client);
    expect((await client.get('/')).data).toBe('');
  });

  it('are made over IPv6', async () => {
    const relay = await ByteRelay.start({
      targetPort: server.port,
      host: '::1',
    });
    const client = make(0, { servers: [{ host: '::1', port: relay.port }] });
    await connected(client);
    await client.get('/');
    expect(relay.connections).toBe(1);
    await client.close();
    relay.close();
  });

  // kazoo #618
  it('with TLS bear records of one byte, and several answers in a record', async () => {
    const certificates = new Certificates()
      .authority('ca')
      .leaf('server', 'ca');
    const waiting: number[] = [];
    const answer = (xid: number): Buffer => {
      const writer = new JuteWriter().begin().int(xid).long(1).int(0);
      stat.write(writer.text(`answer ${xid}`), NO_STAT);
      return writer.end().give();
    };
    const scripted = await ScriptedServer.start(
      {
        connect: () => grant({ sessionTimeoutMs: 10_000 }),
        request: ({ xid }, { socket }) => {
          waiting.push(xid);
          if (waiting.length === 3) {
            // One call, one record.
            socket.write(Buffer.concat(waiting.map(answer)));
          } else if (waiting.length === 4) {
            void writeByteByByte(socket, answer(xid));
          }
        },
      },
      {
        tls: {
          key: certificates.read('server.key'),
          cert: certificates.read('server.pem'),
        },
      },
    );
    const tls = new TlsSource({ ca: certificates.path('ca.pem') });
    const client = await connected(
      make(scripted.port, { tls, timeoutMs: 10_000 }),
    );
    const together = await Promise.all(
      Array.from({ length: 3 }, () => client.get('/')),
    );
    expect(together.map(({ data }) => data)).toEqual(
      waiting.map((xid) => `answer ${xid}`),
    );
    expect(await client.get('/')).toMatchObject({
      data: `answer ${waiting.at(-1)}`,
    });
    await client.close();
    scripted.close();
  });

  it('with TLS bear bytes that come one by one', async () => {
    const certificates = new Certificates()
      .authority('ca')
      .leaf('server', 'ca');
    const own = await SecureServer.start({ certificates, clientAuth: 'none' });
    const relay = await ByteRelay.start({
      targetPort: own.tlsPort,
      pieceBytes: 1,
    });
    const tls = new TlsSource({ ca: certificates.path('ca.pem') });
    const client = await connected(
      make(relay.port, { tls, timeoutMs: 10_000 }),
    );
    await client.create('/pieces', 'ä', 'ephemeral');
    const contents = await Promise.all(
      Array.from({ length: 20 }, () => client.get('/pieces')),
    );
    expect(contents.every(({ data }) => data === 'ä')).toBe(true);
    await client.close();
    relay.close();
    await own.close();
  });
});

describe('a guardian', () => {
  it('has a new session before anybody uses it, and signs of life before every write', async () => {
    const proxy = await TcpProxy.start({ targetPort: server.port });
    const guardian = new RecordingGuardian();
    const client = make(proxy.port, { guardian });
    await client.start();
    await waitFor(() => guardian.sessions.length > 0);
    expect(client.connection.state).toBe('connecting');
    await expect(client.get('/')).rejects.toMatchObject({
      code: 'CONNECTION_LOSS',
    });
    guardian.acknowledge(true);
    await reached(client, 'connected');
    const { epoch, sessionId } = client.connection;
    expect(guardian.sessions).toMatchObject([
      {
        sessionId,
        sessionTimeoutMs: 2_000,
        server: { host: '127.0.0.1', address: '127.0.0.1', port: proxy.port },
        security: { auth: [] },
      },
    ]);
    const { signs } = guardian;
    const get = client.get('/');
    await Promise.resolve();
    await get;
    expect(guardian.signs).toBeGreaterThan(signs);
    // A reconnection does not wait for it.
    proxy.cut();
    await waitFor(() => client.connection.epoch > epoch);
    expect(guardian.sessions).toHaveLength(2);
    await client.replaceSession('for a test');
    await waitFor(() => guardian.sessions.length === 3);
    expect(client.connection.state).toBe('lost');
    guardian.acknowledge(false);
    await reached(client, 'connected');
    await client.close();
    expect(guardian.calls).toEqual([
      'start',
      'guard',
      'guard',
      'release',
      'guard',
      'release',
      'stop',
    ]);
    proxy.close();
  });

  it('is told the session timeout that the server has granted, not the one that was asked for', async () => {
    const guardian = new RecordingGuardian();
    const client = make(server.port, { guardian, timeoutMs: 90_000 });
    await client.start();
    await waitFor(() => guardian.sessions.length > 0);
    expect(guardian.sessions).toMatchObject([{ sessionTimeoutMs: 60_000 }]);
    guardian.acknowledge(true);
    await reached(client, 'connected');
  });

  it('has a sign of life right before everything that is written to the server, pings included', async () => {
    const proxy = await TcpProxy.start({ targetPort: server.port });
    const guardian = new RecordingGuardian();
    let hasSign = false;
    guardian.signOfLife = () => {
      hasSign = true;
      // As long as nothing else can happen in this process.
      queueMicrotask(() => {
        hasSign = false;
      });
    };
    // A new connection, for a stall of half of that, would write without a sign.
    const client = make(proxy.port, { guardian, timeoutMs: 3_000 });
    await client.start();
    await waitFor(() => guardian.sessions.length > 0);
    guardian.acknowledge(true);
    await reached(client, 'connected');
    const writes: boolean[] = [];
    const { write } = Socket.prototype;
    const spy = jest.spyOn(Socket.prototype, 'write');
    spy.mockImplementation(function (this: Socket, ...args) {
      if (this.remotePort === proxy.port) {
        writes.push(hasSign);
      }
      return write.apply(this, args);
    });
    try {
      await client.create('/signs', '', 'ephemeral');
      await Promise.all([client.set('/signs', 'a'), client.get('/signs')]);
      const before = writes.length;
      await waitFor(() => writes.length >= before + 3, {
        description: 'three pings',
      });
    } finally {
      spy.mockRestore();
    }
    expect(new Set(writes)).toEqual(new Set([true]));
    await client.close();
    proxy.close();
  });

  it('keeps a session that could not be reached to be closed', async () => {
    const proxy = await TcpProxy.start({ targetPort: server.port });
    const guardian = new RecordingGuardian();
    const client = make(proxy.port, { guardian });
    await client.start();
    await waitFor(() => guardian.sessions.length > 0);
    guardian.acknowledge(true);
    await reached(client, 'connected');
    proxy.drop();
    await client.close();
    expect(guardian.calls).toEqual(['start', 'guard', 'stop']);
    proxy.close();
  });
});
