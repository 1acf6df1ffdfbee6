import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { Certificates } from '../../support/certificates.js';
import { ProcessInstance } from '../../support/process-instance.js';
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
  }, 60_000);

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
});
