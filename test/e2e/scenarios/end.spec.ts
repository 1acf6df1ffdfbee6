import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { freePort } from '../../../scripts/zookeeper/free-port.mjs';
import { Certificates } from '../../support/certificates.js';
import { ProcessInstance } from '../../support/process-instance.js';
import { SecureServer } from '../../support/secure-server.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const MAIN = fileURLToPath(
  new URL('../../support/instance.main.mjs', import.meta.url),
);
/** Whatever waits for its end is found out. */
const SESSION_TIMEOUT_MS = 30_000;
const CREDENTIALS = { username: 'app', password: 'secret' };

let server: ZookeeperServer;
let secure: SecureServer;
let certificates: Certificates;
let proxy: TcpProxy;
let testNumber = 0;

beforeAll(async () => {
  server = await ZookeeperServer.start({
    maxSessionTimeoutMs: SESSION_TIMEOUT_MS,
  });
  certificates = new Certificates()
    .authority('ca')
    .leaf('server', 'ca')
    .leaf('client', 'ca');
  secure = await SecureServer.start({
    certificates,
    config: { maxSessionTimeout: SESSION_TIMEOUT_MS },
  });
});
afterEach(async () => {
  proxy?.close();
  await ProcessInstance.closeAll();
});
afterAll(async () => {
  await server.close();
  await secure.close();
});

type Prepare = (start: Start) => Promise<ProcessInstance>;
type Start = (options?: object) => ProcessInstance;

/** What can be brought about without reading what is said. */
const STATES: [string, Prepare][] = [
  [
    'has never been connected',
    async (start) => {
      const instance = start({
        connectionString: `127.0.0.1:${await freePort()}`,
      });
      await instance.waitForEvent('started');
      return instance;
    },
  ],
  [
    'is in the middle of its handshake',
    async (start) => {
      proxy.drop();
      const instance = start();
      await instance.waitForEvent('started');
      await waitFor(() => proxy.openConnections > 0, {
        description: 'a connection',
      });
      return instance;
    },
  ],
  [
    'leads',
    async (start) => {
      const instance = start();
      await instance.waitForEvent('leading');
      return instance;
    },
  ],
  [
    'waits for its turn',
    async (start) => {
      await start({ instanceId: 'first' }).waitForEvent('leading');
      const instance = start();
      await instance.waitForEvent('following');
      return instance;
    },
  ],
  [
    'leads, with a server that does not answer any more',
    async (start) => {
      const instance = start();
      await instance.waitForEvent('leading');
      proxy.drop();
      return instance;
    },
  ],
  [
    'leads, with a server that is gone',
    async (start) => {
      const instance = start();
      await instance.waitForEvent('leading');
      proxy.refuse();
      proxy.cut();
      return instance;
    },
  ],
];

const STATES_OF_REQUESTS: [string, Prepare][] = [
  [
    'joins',
    async (start) => {
      const held = proxy.holdReplyOf('create');
      const instance = start();
      await held.arrived;
      return instance;
    },
  ],
  [
    'leaves',
    async (start) => {
      const instance = start();
      await instance.waitForEvent('leading');
      const held = proxy.holdReplyOf('delete');
      instance.send({ withdraw: true });
      await held.arrived;
      return instance;
    },
  ],
];

it.each(
  [...STATES, ...STATES_OF_REQUESTS].flatMap(([state, prepare]) => [
    [state, 'open nodes', {}, prepare] as const,
    [state, 'credentials', { credentials: CREDENTIALS }, prepare] as const,
    [state, 'no guardian', { guardian: false }, prepare] as const,
  ]),
)(
  'nothing keeps the process alive after close() when it %s, with %s',
  async (_state, _kind, options, prepare) => {
    proxy = await TcpProxy.start({ targetPort: server.port });
    await expectEnd(prepare, options);
  },
);

it.each(STATES)(
  'nothing keeps the process alive after close() when it %s, with TLS',
  async (_state, prepare) => {
    proxy = await TcpProxy.start({
      targetPort: secure.tlsPort,
      isBlind: true,
    });
    const path = (name: string): string => certificates.path(name);
    await expectEnd(prepare, {
      tls: {
        ca: path('ca.pem'),
        cert: path('client.pem'),
        key: path('client.key'),
      },
    });
  },
);

async function expectEnd(prepare: Prepare, options: object): Promise<void> {
  testNumber += 1;
  const basePath = `/end-${testNumber}`;
  const instance = await prepare(
    (own) =>
      new ProcessInstance(MAIN, {
        env: {
          OPTIONS: JSON.stringify({
            connectionString: proxy.connectionString,
            basePath,
            sessionTimeoutMs: SESSION_TIMEOUT_MS,
            ...options,
            ...own,
          }),
        },
      }),
  );
  instance.send({ exit: 'leave' });
  await instance.waitForEvent('closed', () => true, { timeoutMs: 15_000 });
  expect(await instance.exited).toEqual({ code: 0, signal: null });
}
