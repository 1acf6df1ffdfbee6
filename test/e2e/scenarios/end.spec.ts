import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { freePort } from '../../../scripts/zookeeper/free-port.mjs';
import { ProcessInstance } from '../../support/process-instance.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const MAIN = fileURLToPath(
  new URL('../../support/instance.main.mjs', import.meta.url),
);
/** Whatever waits for its end is found out. */
const SESSION_TIMEOUT_MS = 30_000;
const CREDENTIALS = { username: 'app', password: 'secret' };

let server: ZookeeperServer;
let proxy: TcpProxy;
let testNumber = 0;

beforeAll(async () => {
  server = await ZookeeperServer.start({
    maxSessionTimeoutMs: SESSION_TIMEOUT_MS,
  });
});
afterEach(async () => {
  proxy?.close();
  await ProcessInstance.closeAll();
});
afterAll(() => server.close());

type Prepare = (start: Start) => Promise<ProcessInstance>;
type Start = (options?: object) => ProcessInstance;

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
    'joins',
    async (start) => {
      const held = proxy.holdReplyOf('create');
      const instance = start();
      await held.arrived;
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

it.each(
  STATES.flatMap(([state, prepare]) => [
    [state, 'open nodes', {}, prepare] as const,
    [state, 'credentials', { credentials: CREDENTIALS }, prepare] as const,
    [state, 'no guardian', { guardian: false }, prepare] as const,
  ]),
)(
  'nothing keeps the process alive after close() when it %s, with %s',
  async (_state, _kind, options, prepare) => {
    testNumber += 1;
    proxy = await TcpProxy.start({ targetPort: server.port });
    const instance = await prepare(
      (own) =>
        new ProcessInstance(MAIN, {
          env: {
            OPTIONS: JSON.stringify({
              connectionString: proxy.connectionString,
              basePath: `/end-${testNumber}`,
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
  },
  30_000,
);
