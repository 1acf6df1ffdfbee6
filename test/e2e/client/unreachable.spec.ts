import { afterEach, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { freePort } from '../../../scripts/zookeeper/free-port.mjs';
import { MemoryLogger } from '../../support/memory-logger.js';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { waitFor } from '../../support/wait-for.js';

let close: () => Promise<void> = async () => undefined;

afterEach(async () => {
  await closeApplications();
  await close();
});

/** A server that is no ZooKeeper; returns its port. */
async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  close = async () => {
    for (const socket of sockets) {
      socket.destroy();
    }
    server.close();
    await once(server, 'close');
  };
  return (server.address() as AddressInfo).port;
}

it.each<[what: string, port: () => Promise<number>, message: RegExp]>([
  [
    'nothing listens at its port',
    freePort,
    /127\.0\.0\.1:\d+ refused the connection: nothing listens there/,
  ],
  [
    'it hangs up, as one without a quorum does',
    () =>
      listen((socket) => {
        // Not before it has read the request: closing would reset the connection.
        socket.once('data', () => socket.end());
      }),
    /127\.0\.0\.1:\d+ hung up without an answer: it does not serve now/,
  ],
  [
    'it accepts connections and never answers',
    () => listen((socket) => socket.resume()),
    /127\.0\.0\.1:\d+ did not answer/,
  ],
])(
  'the log says why a server cannot be used: %s',
  async (_what, port, message) => {
    const logger = new MemoryLogger();
    await startApplication({
      options: {
        connectionString: `127.0.0.1:${await port()}`,
        // Long enough to hear of the end of a connection before it is given up.
        sessionTimeoutMs: 10_000,
      },
      logger,
    });
    const warnings = await waitFor(
      () => {
        const found = logger.messages('warn');
        return found.length > 0 && found;
      },
      { description: 'a warning' },
    );
    expect(warnings[0]).toMatch(/^ZooKeeper cannot be reached/);
    expect(warnings[0]).toMatch(message);
  },
);
