import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
} from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  encode,
  PROTOCOL_VERSION,
} from '../../../lib/guardian/channel/protocol.js';
import type { TlsParameters } from '../../../lib/zookeeper/connection/tls-options.interface.js';
import { Certificates } from '../../support/certificates.js';
import { ProcessInstance } from '../../support/process-instance.js';
import { CLI } from '../../support/run-cli.js';
import { SecureServer } from '../../support/secure-server.js';
import { waitFor } from '../../support/wait-for.js';

const INSTANCE = fileURLToPath(
  new URL('../../support/instance.main.mjs', import.meta.url),
);
const T = 20_000;

describe('the guardian of an application whose servers demand proof', () => {
  let certificates: Certificates;
  let server: SecureServer;
  let strict: SecureServer;

  beforeAll(async () => {
    certificates = new Certificates()
      .authority('ca')
      .authority('other-ca')
      .leaf('server', 'ca')
      .leaf('client', 'ca');
    const users = { bob: 'b"ob' };
    [server, strict] = await Promise.all([
      SecureServer.start({ certificates, users }),
      SecureServer.start({
        certificates,
        users,
        config: {
          'enforce.auth.enabled': true,
          'enforce.auth.schemes': 'sasl',
        },
      }),
    ]);
  });

  afterEach(() => ProcessInstance.closeAll());

  afterAll(async () => {
    await Promise.all([server?.close(), strict?.close()]);
  });

  const tls = () => ({
    ca: certificates.path('ca.pem'),
    cert: certificates.path('client.pem'),
    key: certificates.path('client.key'),
  });
  const sasl = {
    mechanism: 'DIGEST-MD5',
    username: 'bob',
    password: 'b"ob',
  };

  it.each([
    ['a certificate', () => server, () => ({ tls: tls() })],
    [
      'a login over an encrypted connection',
      () => strict,
      () => ({ tls: tls(), sasl }),
    ],
    ['a login', () => strict, () => ({ sasl })],
    [
      'credentials',
      () => server,
      () => ({ credentials: { username: 'ann', password: 'secret' } }),
    ],
  ])('closes the session of a dead leader by %s', async (_by, at, security) => {
    const options = security();
    const port = 'tls' in options ? at().tlsPort : at().port;
    const instance = new ProcessInstance(INSTANCE, {
      env: {
        OPTIONS: JSON.stringify({
          connectionString: `127.0.0.1:${port}`,
          sessionTimeoutMs: T,
          ...options,
        }),
      },
    });
    await instance.waitForEvent('leading', undefined, { timeoutMs: 20_000 });
    const ephemerals = async (): Promise<string[]> =>
      [...(await at().server.sessions()).values()].flatMap(
        (session) => session.ephemerals,
      );
    expect((await ephemerals()).length).toBeGreaterThan(0);
    await instance.kill();
    await waitFor(async () => (await ephemerals()).length === 0, {
      timeoutMs: T / 4,
    });
    await waitFor(() => instance.survivors().length === 0);
  });

  describe('in a sidecar', () => {
    let folder: string;
    let socket: string;
    let sidecar: ProcessInstance;

    beforeEach(async () => {
      folder = mkdtempSync(path.join(tmpdir(), 'secured-'));
      socket = path.join(folder, 'guardian.sock');
      sidecar = new ProcessInstance(CLI, {
        args: ['guardian', '--listen', socket],
      });
      await sidecar.waitForLine(/listens at/);
    });

    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    const values = (): TlsParameters => ({
      ca: certificates.read('ca.pem'),
      cert: certificates.read('client.pem'),
      key: certificates.read('client.key'),
    });

    it.each<
      [string, () => number, () => TlsParameters | undefined, string | RegExp]
    >([
      [
        'the authority of the servers is another one',
        () => server.tlsPort,
        () => ({ ...values(), ca: certificates.read('other-ca.pem') }),
        'none of the authorities of the option tls.ca',
      ],
      [
        'the servers demand a certificate',
        () => server.tlsPort,
        () => ({ ca: certificates.read('ca.pem') }),
        'tls.cert and tls.key',
      ],
      [
        'the port is not one for TLS',
        () => server.port,
        values,
        'it speaks no TLS at this port',
      ],
      [
        'the port is one for TLS',
        () => server.tlsPort,
        () => undefined,
        'option tls',
      ],
      [
        'a key is none',
        () => server.tlsPort,
        () => ({ ...values(), key: 'rubbish' }),
        'the options tls do not work',
      ],
    ])(
      'says what is wrong, and with which option, when %s',
      async (_what, port, parametersOf, expected) => {
        const application = connect(socket);
        application.write(
          encode({
            type: 'hello',
            version: PROTOCOL_VERSION,
            // It cannot be looked at: the end of the connection is its death.
            application: { pid: 1, startTime: undefined, namespace: undefined },
          }),
        );
        const address = { host: '127.0.0.1', port: port() };
        const parameters = parametersOf();
        application.write(
          encode({
            type: 'guard',
            number: 1,
            maxStallMs: 2_000,
            session: {
              servers: [address],
              server: { ...address, address: address.host },
              sessionId: '1a2b',
              password: Buffer.alloc(16),
              sessionTimeoutMs: 1_000,
              security: { auth: [], ...(parameters && { tls: parameters }) },
            },
          }),
        );
        application.resume();
        // Nothing more comes from it: it seems to be stalled.
        const kept = await sidecar.waitForLine(/Could not keep .* 0x1a2b /);
        expect(kept).toMatch(expected);
        application.end();
        const line = await sidecar.waitForLine(/Could not close/);
        expect(line).toMatch(expected);
        expect(sidecar.lines.join()).not.toMatch(/BEGIN|rubbish/);
        expect(sidecar.running).toBe(true);
      },
    );

    it('gets nothing from an application that cannot read a file, which names the option', async () => {
      const application = new ProcessInstance(INSTANCE, {
        env: {
          OPTIONS: JSON.stringify({
            connectionString: `127.0.0.1:${server.tlsPort}`,
            guardian: { socket },
            tls: { ...tls(), ca: '/no/such/ca.pem' },
          }),
        },
      });
      await waitFor(() =>
        /the file of the option tls\.ca cannot be read: .*ENOENT/.test(
          [...application.lines, application.stderr].join('\n'),
        ),
      );
      expect(sidecar.lines).toHaveLength(1);
    });
  });
});
