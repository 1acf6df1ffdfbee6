// @ts-check
import { connect } from 'node:net';

/**
 * Sends one of ZooKeeper's four-letter words ("srvr", "mntr", "cons", ...) and
 * returns the answer, which ends with the connection.
 *
 * @param {number} port
 * @param {string} word
 * @param {{ host?: string, timeoutMs?: number }} [options]
 * @returns {Promise<string>}
 */
export function fourLetterWord(
  port,
  word,
  { host = '127.0.0.1', timeoutMs = 5000 } = {},
) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host });
    let answer = '';
    socket.setEncoding('utf8');
    socket.setTimeout(timeoutMs, () =>
      socket.destroy(new Error(`No answer to ${word} in ${timeoutMs} ms.`)),
    );
    socket.on('connect', () => socket.write(word));
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}
