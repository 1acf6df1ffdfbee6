import { copyFileSync } from 'node:fs';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import type { ZookeeperTlsOptions } from '../../../lib/zookeeper/connection/tls-options.interface.js';
import { TlsSource } from '../../../lib/zookeeper/connection/tls-source.js';
import { DigestCredentials } from '../../../lib/zookeeper/digest-credentials.js';
import type { WireClient } from '../../../lib/zookeeper/wire-client.js';
import type { WireClientOptions } from '../../../lib/zookeeper/wire-client.js';
import { Certificates } from '../../support/certificates.js';
import { SecureServer } from '../../support/secure-server.js';
import { ByteRelay } from '../../support/byte-relay.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient as ObservingClient } from '../../support/wire-client.js';
import { connected, wireClient } from './test-clients.js';

let certificates: Certificates;
let server: SecureServer;
/** Asks for no certificate of the client. */
let lenient: SecureServer;
const clients: WireClient[] = [];

beforeAll(async () => {
  certificates = new Certificates()
    .authority('ca')
    .authority('other-ca')
    .leaf('server', 'ca')
    .leaf('misnamed', 'ca', { altNames: 'DNS:zk.example.org' })
    .leaf('expired', 'ca', { days: -1 })
    .leaf('client', 'ca')
    .leaf('next-client', 'ca')
    .leaf('stranger', 'other-ca')
    .pkcs12('client', 'geheim');
  [server, lenient] = await Promise.all([
    SecureServer.start({ certificates }),
    SecureServer.start({ certificates, clientAuth: 'none' }),
  ]);
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});
afterAll(() => Promise.all([server.close(), lenient.close()]));

function own(name = 'client'): ZookeeperTlsOptions {
  return {
    ca: certificates.path('ca.pem'),
    cert: certificates.path(`${name}.pem`),
    key: certificates.path(`${name}.key`),
  };
}

function make(
  port: number,
  tls: ZookeeperTlsOptions | undefined,
  options: Partial<WireClientOptions> & { notices?: string[] } = {},
): WireClient {
  const client = wireClient(
    { ports: [port], notices: options.notices ?? [], sessionTimeoutMs: 4_000 },
    { ...(tls && { tls: new TlsSource(tls) }), ...options },
  );
  clients.push(client);
  return client;
}

/** What an operator reads when a client cannot connect. */
async function complaint(
  port: number,
  tls: ZookeeperTlsOptions | undefined,
  options: Partial<WireClientOptions> = {},
): Promise<string> {
  const notices: string[] = [];
  const client = make(port, tls, { notices, ...options });
  await client.start();
  // A server that has just started may not have answered the first attempt.
  const text = await waitFor(() =>
    notices.findLast(
      (notice) =>
        /cannot be reached/.test(notice) && !/did not answer/.test(notice),
    ),
  );
  const { problem } = client.connection;
  expect(['TLS_FAILED', undefined]).toContain(problem?.code);
  expect(text).toContain(problem?.message ?? '');
  expect(client.connection.state).not.toBe('connected');
  await client.close();
  return text;
}

describe('a client with TLS', () => {
  it.each<[string, () => ZookeeperTlsOptions]>([
    ['files', () => own()],
    [
      'values',
      () => ({
        ca: certificates.read('ca.pem'),
        cert: Buffer.from(certificates.read('client.pem')),
        key: certificates.read('client.key'),
      }),
    ],
    [
      'functions',
      () => ({
        ca: () => [
          certificates.read('other-ca.pem'),
          certificates.path('ca.pem'),
        ],
        cert: async () => certificates.read('client.pem'),
        key: () => certificates.path('client.key'),
      }),
    ],
    [
      'a PKCS#12 file with a passphrase',
      () => ({
        ca: certificates.path('ca.pem'),
        pfx: certificates.path('client.p12'),
        passphrase: async () => 'geheim',
      }),
    ],
  ])('connects with its certificate from %s', async (_, tls) => {
    const client = await connected(make(server.tlsPort, tls()));
    await client.create('/tls', 'x', 'ephemeral');
    expect((await client.get('/tls')).data).toBe('x');
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('speaks %s', async (version) => {
    const tls = { ...own(), minVersion: version, maxVersion: version };
    const client = await connected(make(server.tlsPort, tls));
    expect(client.connection.state).toBe('connected');
  });

  it('checks the name in the connection string, and sends it', async () => {
    const servers = [{ host: 'localhost', port: server.tlsPort }];
    const client = await connected(make(0, own(), { servers }));
    expect(client.connection.state).toBe('connected');
  });

  it('needs no certificate where the servers do not ask for one', async () => {
    const tls = { ca: certificates.path('ca.pem') };
    const client = await connected(make(lenient.tlsPort, tls));
    expect(client.connection.state).toBe('connected');
  });

  it('closes nodes to the identity of its certificate', async () => {
    const client = await connected(
      make(server.tlsPort, own(), { acl: 'creator' }),
    );
    await client.access?.ensure('/contract/elections/x', 'container');
    const stranger = await ObservingClient.connect({ port: server.port });
    await expect(
      stranger.create('/contract/elections/x/n'),
    ).rejects.toMatchObject({ code: 'NO_AUTH' });
    await stranger.close();
    const other = await connected(
      make(server.tlsPort, own('next-client'), { acl: 'creator' }),
    );
    await expect(
      other.access?.ensure('/contract/elections/x', 'container'),
    ).rejects.toMatchObject({
      code: 'NO_AUTH',
      message: expect.stringContaining('the certificate of the option tls'),
    });
  });

  it('takes large answers and many small ones, in whatever pieces they come', async () => {
    // All of it is answered within the session timeout, or it fails.
    const client = await connected(
      make(server.tlsPort, own(), { sessionTimeoutMs: 40_000 }),
    );
    const data = 'ä'.repeat(400_000);
    await client.create('/large', data, 'ephemeral');
    const contents = await Promise.all(
      Array.from({ length: 40 }, () => client.get('/large')),
    );
    expect(contents.every((content) => content.data === data)).toBe(true);
    await Promise.all(
      Array.from({ length: 2_000 }, () => client.set('/large', 'x')),
    );
    expect((await client.get('/large')).stat.version).toBe(2_000);
  });

  it('uses rotated certificates with the next connection, and keeps its session', async () => {
    for (const part of ['pem', 'key']) {
      copyFileSync(
        certificates.path(`client.${part}`),
        certificates.path(`rotated.${part}`),
      );
    }
    const relay = await ByteRelay.start({ targetPort: server.tlsPort });
    const client = await connected(
      make(relay.port, own('rotated'), { acl: 'creator' }),
    );
    const { sessionId, epoch } = client.connection;
    await client.create('/rotated', '', 'ephemeral');
    await client.set('/rotated', 'as the first');
    for (const part of ['pem', 'key']) {
      copyFileSync(
        certificates.path(`next-client.${part}`),
        certificates.path(`rotated.${part}`),
      );
    }
    relay.cut();
    await waitFor(() => client.connection.epoch > epoch);
    expect(client.connection).toMatchObject({ state: 'connected', sessionId });
    // The server knows it by the other certificate now.
    await expect(client.set('/rotated', 'as the next')).rejects.toMatchObject({
      code: 'NO_AUTH',
    });
    await client.close();
    relay.close();
  });

  it('lets nobody on the network read the password of its credentials', async () => {
    const password = 'p-SECRET-p';
    const connect = async (
      port: number,
      tls: ZookeeperTlsOptions | undefined,
      notices: string[],
    ): Promise<string> => {
      const relay = await ByteRelay.start({ targetPort: port });
      const credentials = new DigestCredentials('user', password);
      const client = make(relay.port, tls, { credentials, notices });
      await connected(client);
      await client.close();
      relay.close();
      return Buffer.concat(relay.recorded).toString('latin1');
    };
    const notices: string[] = [];
    expect(await connect(server.tlsPort, own(), notices)).not.toContain(
      password,
    );
    expect(notices.join()).not.toMatch(/encryption/);
    // The recorder sees what is there to be seen.
    expect(await connect(server.port, undefined, notices)).toContain(password);
    expect(
      notices.filter((text) => /without encryption/.test(text)),
    ).toHaveLength(1);
  });
});

describe('the option tls.servername', () => {
  it('is the name that the certificate is compared with', async () => {
    const odd = await SecureServer.start({
      certificates,
      certificate: 'misnamed',
    });
    const tls = { ...own(), servername: 'zk.example.org' };
    const client = await connected(make(odd.tlsPort, tls));
    expect(client.connection.state).toBe('connected');
    await client.close();
    await odd.close();
  });
});

describe('a client that cannot use TLS says which option to mend', () => {
  it.each<[string, () => Promise<string>, ...(string | RegExp)[]]>([
    [
      'the authority is not known',
      () =>
        complaint(server.tlsPort, {
          ...own(),
          ca: certificates.path('other-ca.pem'),
        }),
      'option tls.ca',
    ],
    [
      'no authority is set',
      () => {
        const { cert, key } = own();
        return complaint(server.tlsPort, { cert, key });
      },
      'option tls.ca',
    ],
    [
      'the client has no certificate',
      () => complaint(server.tlsPort, { ca: certificates.path('ca.pem') }),
      'set the options tls.cert and tls.key',
    ],
    [
      'the certificate of the client is refused',
      () => complaint(server.tlsPort, own('stranger')),
      /refused the certificate of the option tls\.cert/,
    ],
    [
      'the port is not one for TLS',
      () => complaint(server.port, own()),
      'it speaks no TLS at this port',
    ],
    [
      'the port is one for TLS',
      () => complaint(server.tlsPort, undefined),
      'option tls',
    ],
    [
      'a file is missing',
      () => complaint(server.tlsPort, { ...own(), key: '/no/such/client.key' }),
      /the file of the option tls\.key cannot be read: .*ENOENT.*client\.key/,
    ],
    [
      'a file is not what it should be',
      () =>
        complaint(server.tlsPort, {
          ...own(),
          key: certificates.path('client.csr'),
        }),
      'the options tls do not work',
    ],
    [
      'key and certificate do not belong together',
      () =>
        complaint(server.tlsPort, {
          ...own(),
          key: certificates.path('stranger.key'),
        }),
      'the options tls do not work',
    ],
    [
      'a passphrase is wrong',
      () =>
        complaint(server.tlsPort, {
          ca: certificates.path('ca.pem'),
          pfx: certificates.path('client.p12'),
          passphrase: 'wrong',
        }),
      'the options tls do not work',
    ],
  ])('when %s', async (_, complain, expected) => {
    const text = await complain();
    expect(text).toMatch(expected);
    expect(text).not.toMatch(/geheim|BEGIN|wrong'/);
  });

  it.each([
    ['is made out to another name', 'misnamed', 'DNS:zk.example.org'],
    ['has expired', 'expired', 'has expired'],
  ])('when the certificate of the server %s', async (_, name, expected) => {
    const odd = await SecureServer.start({ certificates, certificate: name });
    const text = await complaint(odd.tlsPort, own());
    expect(text).toContain(expected);
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await odd.close();
  });
});
