// @ts-check
import { createServer } from 'node:net';

/**
 * Below the ranges from which operating systems take ports for outgoing
 * connections and for port 0 (Linux: 32768 and up, others: 49152 and up). A port
 * out of those could be gone again before the server listens on it, or while it
 * is down between a stop and a restart.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

/**
 * A loopback port on which nobody listens. Drawn at random, so that processes
 * which look at the same time get different ones.
 *
 * @returns {Promise<number>}
 */
export async function freePort() {
  for (let attempt = 0; attempt < 100; attempt++) {
    const span = LAST_PORT - FIRST_PORT;
    const port = FIRST_PORT + Math.floor(Math.random() * span);
    if (await isFree(port)) {
      return port;
    }
  }
  throw new Error(`No free port between ${FIRST_PORT} and ${LAST_PORT}.`);
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
