// @ts-check
/**
 * A connection that breaks between a reply and the next request of the same turn
 * of the event loop. Says how it ended, unless the process has been aborted.
 *
 * Runs from the build: the native client must not be loaded by the tests.
 */
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';

const require = createRequire(import.meta.url);
const load = (/** @type {string} */ file) =>
  require(`../../dist/cjs/native/keeper/${file}`);
const { NativeConnection } = load('native-connection.js');
const { loadNativeZookeeper } = load('native-zookeeper.js');

/** @type {import('node:net').Socket | undefined} */
let client;
const proxy = createServer((socket) => {
  client = socket.on('error', () => undefined);
  const server = connect(Number(process.env.PORT), '127.0.0.1');
  server.on('error', () => undefined);
  socket.pipe(server).pipe(socket);
});
await new Promise((resolve) => {
  proxy.listen(0, '127.0.0.1', () => resolve(undefined));
});
const { port } = /** @type {import('node:net').AddressInfo} */ (
  proxy.address()
);

const connection = new NativeConnection(loadNativeZookeeper(), {
  server: { host: '127.0.0.1', address: '127.0.0.1', port },
  sessionTimeoutMs: 10_000,
  connectTimeoutMs: 2_000,
  session: undefined,
  onConnected: () => connection.send([1, 'sync', '/']),
  send: (/** @type {{ replies: [number, number][] }} */ { replies }) => {
    for (const [id, code] of replies) {
      if (id === 1) {
        setImmediate(() => {
          client?.resetAndDestroy();
          connection.send([2, 'sync', '/']);
          connection.send([3, 'sync', '/']);
        });
      } else {
        process.stdout.write(`{"type":"reply","id":${id},"code":${code}}\n`);
      }
    }
  },
});
process.stdout.write(`{"type":"${await connection.ended}"}\n`);
// Another turn of the event loop, which is where the process would end.
setTimeout(() => process.exit(0), 100);
