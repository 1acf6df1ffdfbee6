// @ts-check
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/**
 * Below the ranges from which operating systems take ports for outgoing
 * connections and for port 0 (Linux: 32768 and up, others: 49152 and up). A port
 * out of those could be gone again before the server listens on it, or while it
 * is down between a stop and a restart.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
const LOOPBACK = '127.0.0.1';

/**
 * A loopback port on which nobody listens, and that no other call gets, in this
 * process or in another, until this process ends: so it is still there for a
 * server that starts late, or that is down for a while.
 *
 * @returns {Promise<number>}
 */
export async function freePort() {
  for (let attempt = 0; attempt < 100; attempt++) {
    const span = LAST_PORT - FIRST_PORT;
    const port = FIRST_PORT + Math.floor(Math.random() * span);
    if ((await reserve(port)) && (await isFree(port))) {
      return port;
    }
  }
  throw new Error(`No free port between ${FIRST_PORT} and ${LAST_PORT}.`);
}

/**
 * Holds the port's namesake of UDP, which nobody needs: the operating system lets
 * one process have it, and takes it back however that process ends.
 *
 * @param {number} port
 * @returns {Promise<boolean>} false: somebody else holds it
 */
function reserve(port) {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => socket.close(() => resolve(false)));
    socket.bind({ port, address: LOOPBACK, exclusive: true }, () => {
      socket.unref();
      resolve(true);
    });
  });
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, LOOPBACK, () => server.close(() => resolve(true)));
  });
}
