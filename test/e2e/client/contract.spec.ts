import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
} from '@jest/globals';
import { freePort } from '../../../scripts/zookeeper/free-port.mjs';
import { TlsSource } from '../../../lib/zookeeper/connection/tls-source.js';
import { DigestMd5Credentials } from '../../../lib/zookeeper/digest-credentials.js';
import type {
  CreateMode,
  NodeEvent,
  ZookeeperClient,
} from '../../../lib/zookeeper/zookeeper-client.interface.js';
import { Certificates } from '../../support/certificates.js';
import { SecureServer } from '../../support/secure-server.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { TlsHop } from '../../support/tls-hop.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient as ObservingClient } from '../../support/wire-client.js';
import { ZookeeperEnsemble } from '../../support/zookeeper-ensemble.js';
import {
  CLIENTS,
  SESSION_TIMEOUT_MS,
  connected,
  reached,
  wireClient,
  type TestClientOptions,
} from './test-clients.js';

const USER = { username: 'bob', password: 'geheim' };

let certificates: Certificates;
/** Has a port with TLS and one without, and logins by SASL. */
let server: SecureServer;

beforeAll(async () => {
  certificates = new Certificates()
    .authority('ca')
    .leaf('server', 'ca')
    .leaf('client', 'ca');
  const users = { [USER.username]: USER.password };
  server = await SecureServer.start({ certificates, users });
});
afterAll(() => server.close());

/** A client, and how it comes to its servers. */
interface Kind {
  readonly name: string;
  readonly isEncrypted?: boolean;
  readonly make: (options: TestClientOptions) => ZookeeperClient;
}

const sasl = new DigestMd5Credentials(USER.username, USER.password);

function ownTls(): { ca: string; cert: string; key: string } {
  return {
    ca: certificates.read('ca.pem'),
    cert: certificates.read('client.pem'),
    key: certificates.read('client.key'),
  };
}

const KINDS: readonly Kind[] = [
  ...Object.entries(CLIENTS).map(([name, make]) => ({ name, make })),
  {
    name: 'WireClient with SASL',
    make: (options) => wireClient(options, { sasl }),
  },
  {
    name: 'WireClient over TLS, with SASL',
    isEncrypted: true,
    make: (options) =>
      wireClient(options, { sasl, tls: new TlsSource(ownTls()) }),
  },
];

/** Arguments that a server is asked about; it likes them or not. */
const PATHS = ['/a//b', '/😀', '/../x', '/a/', '/', '/fine', '/\ud800'];
/** Arguments that no server ever sees. */
const ODD = ['', 'relative', '/a\0b', undefined, null, 7, 7n, Symbol('/'), {}];

/** Every request with good arguments. */
function everything(client: ZookeeperClient): Promise<unknown>[] {
  return PATHS.flatMap((path) => [
    client.create(path, 'data', 'ephemeral'),
    client.get(path, () => undefined),
    client.getChildren(path, () => undefined),
    client.set(path, 'data', 12),
    client.delete(path, 99),
    client.sync(path),
  ]);
}

/** Every request with odd arguments. */
function oddities(client: ZookeeperClient): Promise<unknown>[] {
  const odd = ODD as string[];
  const versions = [1.5, Number.NaN, -2, 2 ** 31, 7n, '1', null, Symbol('1')];
  const data = [7, null, {}, Symbol('data'), Buffer.from('data')] as string[];
  return [
    ...odd.flatMap((path) => [
      client.create(path, 'data', 'ephemeral'),
      client.get(path, () => undefined),
      client.getChildren(path, () => undefined),
      client.set(path, 'data', 12),
      client.delete(path, 99),
      client.sync(path),
    ]),
    ...(versions as number[]).flatMap((version) => [
      client.set('/fine', 'data', version),
      client.delete('/fine', version),
    ]),
    ...data.flatMap((each) => [
      client.set('/fine', each),
      client.create('/fine', each, 'ephemeral'),
    ]),
    client.create('/fine', 'data', 'eternal' as CreateMode),
    // More than a server takes: it would drop the connection.
    client.create('/fine', '€'.repeat(400_000), 'ephemeral'),
  ];
}

/** How each of the calls ended. */
async function outcomes(calls: Promise<unknown>[]): Promise<Set<string>> {
  const results = await Promise.allSettled(calls);
  return new Set(
    results.map((result) =>
      result.status === 'fulfilled'
        ? 'fulfilled'
        : (result.reason as { code: string }).code,
    ),
  );
}

describe.each(KINDS)('$name', ({ make: newClient, isEncrypted = false }) => {
  const clients: ZookeeperClient[] = [];
  const hops: { close(): void }[] = [];
  let base: string;
  let count = 0;

  function make(options: Partial<TestClientOptions> = {}): ZookeeperClient {
    const client = newClient({ ports: [serverPort()], ...options });
    clients.push(client);
    return client;
  }

  function serverPort(): number {
    return isEncrypted ? server.tlsPort : server.port;
  }

  /** A proxy on the way to the server, and the port that clients connect to. */
  async function openProxy(): Promise<{ proxy: TcpProxy; port: number }> {
    if (!isEncrypted) {
      const proxy = await TcpProxy.start({ targetPort: server.port });
      hops.push(proxy);
      return { proxy, port: proxy.port };
    }
    const near = await TlsHop.puttingOn(server.tlsPort, ownTls());
    const proxy = await TcpProxy.start({ targetPort: near.port });
    const far = await TlsHop.takingOff(proxy.port, {
      cert: certificates.read('server.pem'),
      key: certificates.read('server.key'),
    });
    hops.push(far, proxy, near);
    return { proxy, port: far.port };
  }

  beforeEach(async () => {
    base = `/contract-${process.pid}-${(count += 1)}-${Math.random()}`;
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    hops.splice(0).forEach((hop) => hop.close());
  });

  it('creates, reads, lists, changes and deletes nodes', async () => {
    const client = await connected(make());
    const { sessionId } = client.connection;
    expect(await client.create(base, 'ä€😀', 'persistent')).toBe(base);
    expect(await client.create(`${base}/e`, '', 'ephemeral')).toBe(`${base}/e`);
    expect(await client.create(`${base}/c`, '', 'container')).toBe(`${base}/c`);
    const numbered = await client.create(
      `${base}/n-`,
      'x',
      'ephemeral-sequential',
    );
    expect(numbered).toMatch(/\/n-\d{10}$/);

    const { data, stat } = await client.get(base);
    expect(data).toBe('ä€😀');
    expect(stat).toMatchObject({
      version: 0,
      numChildren: 3,
      ephemeralOwner: '0',
    });
    expect(stat.mzxid).toBe(stat.czxid);
    expect(stat.pzxid).toBeGreaterThan(stat.czxid);
    expect(Math.abs(Date.now() - stat.createdAtMs)).toBeLessThan(60_000);
    const list = await client.getChildren(base);
    expect(list.children.toSorted()).toEqual([
      'c',
      'e',
      numbered.slice(base.length + 1),
    ]);
    expect((await client.get(`${base}/e`)).stat.ephemeralOwner).toBe(sessionId);

    const changed = await client.set(base, 'next', 0);
    expect(changed).toMatchObject({ version: 1, czxid: stat.czxid });
    await expect(client.set(base, 'late', 0)).rejects.toMatchObject({
      code: 'BAD_VERSION',
      path: base,
    });
    await expect(client.delete(base)).rejects.toMatchObject({
      code: 'NOT_EMPTY',
    });
    await expect(client.create(base, '', 'ephemeral')).rejects.toMatchObject({
      code: 'NODE_EXISTS',
    });
    await expect(
      client.create(`${base}/e/x`, '', 'ephemeral'),
    ).rejects.toMatchObject({ code: 'NO_CHILDREN_FOR_EPHEMERALS' });
    await client.sync(base);
    await client.delete(`${base}/e`, 0);
    await expect(client.get(`${base}/e`)).rejects.toMatchObject({
      code: 'NO_NODE',
      message: expect.stringContaining(`get ${base}/e`),
    });
  });

  it('reads a node without data as an empty text', async () => {
    const client = await connected(make());
    const other = await ObservingClient.connect({ port: server.port });
    await other.create(base, { data: Buffer.alloc(0) });
    expect((await client.get(base)).data).toBe('');
    await other.close();
  });

  it('answers in the order of the requests, those of one turn together', async () => {
    const client = await connected(make());
    await client.create(base, '', 'persistent');
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 500 }, (_unused, index) =>
        client
          .set(base, String(index))
          .then(({ version }) => order.push(version)),
      ),
    );
    expect(order).toEqual(Array.from({ length: 500 }, (_unused, i) => i + 1));
    expect((await client.get(base)).data).toBe('499');
  });

  it('tells a watcher once, and of what it was set for', async () => {
    const client = await connected(make());
    const other = await connected(make());
    await client.create(base, '', 'persistent');
    const events: string[] = [];
    const watcher =
      (name: string) =>
      (event: NodeEvent): void =>
        void events.push(`${name} ${event}`);
    await Promise.all([
      client.get(base, watcher('data')),
      client.get(base, watcher('more data')),
      client.getChildren(base, watcher('children')),
      client.get(`${base}/none`, watcher('none')).catch(() => undefined),
    ]);
    await other.set(base, 'one');
    await other.set(base, 'two');
    await waitFor(() => events.length >= 2);
    await other.create(`${base}/a`, '', 'persistent');
    await other.create(`${base}/none`, '', 'persistent');
    await waitFor(() => events.length >= 3);
    await client.getChildren(`${base}/a`, watcher('a'));
    await other.delete(`${base}/a`);
    await waitFor(() => events.length >= 4);
    await client.sync(base);
    expect(events.toSorted()).toEqual([
      'a deleted',
      'children children',
      'data changed',
      'more data changed',
    ]);
  });

  it('tells a watcher before the answer to what caused it', async () => {
    const client = await connected(make());
    await client.create(base, '', 'persistent');
    const order: string[] = [];
    await client.get(base, () => order.push('event'));
    await client.set(base, 'x').then(() => order.push('answer'));
    expect(order).toEqual(['event', 'answer']);
  });

  it('never calls a watcher that was taken back', async () => {
    const client = await connected(make());
    await client.create(base, '', 'persistent');
    const events: string[] = [];
    const stays = (event: NodeEvent): void => void events.push(event);
    const goes = (): void => void events.push('taken back');
    await Promise.all([client.get(base, stays), client.get(base, goes)]);
    await client.getChildren(base, goes);
    const pending = client.get(base, goes);
    client.unwatch(base, goes);
    await pending;
    await client.set(base, 'x');
    await client.create(`${base}/a`, '', 'persistent');
    await client.sync(base);
    await waitFor(() => events.length > 0);
    expect(events).toEqual(['changed']);
    client.unwatch('/never', goes);
  });

  it('settles every request in every state', async () => {
    const { proxy, port } = await openProxy();
    const client = make({ ports: [port] });
    const expectOnly = async (code: string): Promise<void> => {
      expect(await outcomes(everything(client))).toEqual(new Set([code]));
      expect(await outcomes(oddities(client))).toEqual(
        new Set(['BAD_ARGUMENTS']),
      );
    };

    await expectOnly('CONNECTION_LOSS');
    proxy.refuse();
    await client.start();
    await expectOnly('CONNECTION_LOSS');
    await proxy.accept();
    await reached(client, 'connected');
    const answered = await outcomes(everything(client));
    expect([...answered]).toEqual(
      expect.arrayContaining(['fulfilled', 'BAD_ARGUMENTS', 'NO_NODE']),
    );
    expect(await outcomes(oddities(client))).toEqual(
      new Set(['BAD_ARGUMENTS']),
    );
    const { epoch } = client.connection;
    proxy.hold('requests');
    const cut = outcomes(everything(client));
    proxy.refuse();
    proxy.cut();
    expect(await cut).toContain('CONNECTION_LOSS');
    await reached(client, 'suspended');
    await expectOnly('CONNECTION_LOSS');
    await reached(client, 'lost');
    await expectOnly('CONNECTION_LOSS');
    expect(client.connection.epoch).toBe(epoch);
    await proxy.heal();
    await reached(client, 'connected');
    expect(client.connection.epoch).toBe(epoch + 1);
    const states: string[] = [];
    client.connection$.subscribe(({ state }) => states.push(state));
    const underWay = outcomes(everything(client));
    const closing = [client.close(), client.close()];
    await expectOnly('CLOSED');
    await Promise.all(closing);
    await underWay;
    await expectOnly('CLOSED');
    await expect(client.start()).rejects.toMatchObject({ code: 'CLOSED' });
    expect(states).toEqual(['connected', 'closed']);
  });

  it('keeps its session over a lost connection, and the numbers of its connections grow', async () => {
    const { proxy, port } = await openProxy();
    const client = await connected(make({ ports: [port] }));
    const { sessionId, epoch } = client.connection;
    await client.create(base, '', 'ephemeral');
    proxy.cut();
    await waitFor(() => client.connection.epoch > epoch);
    expect(client.connection).toMatchObject({ state: 'connected', sessionId });
    expect((await client.get(base)).stat.ephemeralOwner).toBe(sessionId);
  });

  it('says that the session is lost when the server has expired it, and takes another', async () => {
    const { proxy, port } = await openProxy();
    const client = await connected(make({ ports: [port] }));
    const { sessionId } = client.connection;
    await client.create(base, '', 'ephemeral');
    const states: string[] = [];
    client.connection$.subscribe(({ state }) => states.push(state));
    const session = proxy.lastSession(sessionId);
    await ObservingClient.expire({ port: server.port, ...session });
    await waitFor(
      () =>
        client.connection.state === 'connected' &&
        client.connection.sessionId !== sessionId,
    );
    expect(states).toContain('lost');
    await expect(client.get(base)).rejects.toMatchObject({ code: 'NO_NODE' });
  });

  it('replaces its session when it is asked to, and is lost meanwhile', async () => {
    const client = await connected(make());
    const { sessionId } = client.connection;
    await client.create(base, '', 'ephemeral');
    const states: string[] = [];
    client.connection$.subscribe(({ state }) => states.push(state));
    const replaced = client.replaceSession('for a test');
    expect(client.connection.state).toBe('lost');
    await replaced;
    await waitFor(
      () =>
        client.connection.state === 'connected' &&
        client.connection.sessionId !== sessionId,
    );
    expect(states).toEqual(['connected', 'lost', 'connected']);
    await expect(client.get(base)).rejects.toMatchObject({ code: 'NO_NODE' });
  });

  it('ends its session with its nodes when it is closed', async () => {
    const client = await connected(make());
    const other = await connected(make());
    const created = client.create(base, '', 'ephemeral');
    await client.close();
    await created.catch(() => undefined);
    await expect(other.get(base)).rejects.toMatchObject({ code: 'NO_NODE' });
    expect(client.connection.state).toBe('closed');
  });

  // kazoo #744
  it('still does what was asked for in the turn in which it is closed', async () => {
    const client = await connected(make());
    const other = await connected(make());
    const created = client.create(base, 'kept', 'persistent');
    await client.close();
    await created.catch(() => undefined);
    expect(await other.get(base)).toMatchObject({ data: 'kept' });
  });

  it('gets past servers that take connections and never answer, or refuse', async () => {
    const { proxy: silent, port } = await openProxy();
    silent.drop();
    const ports = [port, serverPort(), await freePort()];
    const client = await connected(make({ ports }));
    expect(client.connection.sessionTimeoutMs).toBe(SESSION_TIMEOUT_MS);
  });

  it('closes within a bound when the server does not answer', async () => {
    const { proxy, port } = await openProxy();
    const client = await connected(make({ ports: [port] }));
    proxy.drop();
    const pending = outcomes([client.get('/')]);
    const startedAt = performance.now();
    await client.close();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(['CLOSED', 'CONNECTION_LOSS']).toContain([...(await pending)][0]);
  });
});

describe.each(Object.entries(CLIENTS))('%s of an ensemble', (_, newClient) => {
  it('keeps its session when the server that serves it is killed', async () => {
    const ensemble = await ZookeeperEnsemble.start({ size: 3 });
    const notices: string[] = [];
    const ports = ensemble.servers.map(({ port }) => port);
    // The election of another leading server may take longer than a short session.
    const client = await connected(
      newClient({ ports, notices, sessionTimeoutMs: 20_000 }),
    );
    const { sessionId, epoch } = client.connection;
    const [, port] = /at 127\.0\.0\.1:(\d+)/.exec(notices[0] as string) ?? [];
    await ensemble.servers.find((one) => one.port === Number(port))?.stop();
    await waitFor(
      () =>
        client.connection.epoch > epoch &&
        client.connection.state === 'connected',
    );
    expect(client.connection.sessionId).toBe(sessionId);
    await client.close();
    await ensemble.close();
  });
});
