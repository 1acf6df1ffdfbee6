// @ts-check
/** What goes over the network, by the counters of the server. */
import { fourLetterWord } from '../../scripts/zookeeper/four-letter-word.mjs';

/**
 * @typedef {object} Traffic what the server has received and sent
 * @property {number} received packets
 * @property {number} sent packets, those of watches among them
 * @property {number} receivedBytes
 * @property {number} sentBytes
 */

/**
 * What goes over the network while `act` runs.
 *
 * @param {string} connect
 * @param {() => Promise<void>} act
 */
export async function trafficOf(connect, act) {
  const first = await traffic(connect);
  const before = await traffic(connect);
  await act();
  const after = await traffic(connect);
  // What asking itself adds is taken off.
  return difference(difference(first, before), difference(before, after));
}

/** @param {string} connect @returns {Promise<Traffic>} */
async function traffic(connect) {
  const text = await fourLetterWord(Number(connect.split(':')[1]), 'mntr');
  const count = (/** @type {string} */ name) =>
    Number(new RegExp(`zk_${name}\\t(\\d+)`).exec(text)?.[1]);
  return {
    received: count('packets_received'),
    sent: count('packets_sent'),
    receivedBytes: count('bytes_received_count'),
    sentBytes: count('response_bytes') + count('watch_bytes'),
  };
}

/** @param {Traffic} from @param {Traffic} to @returns {Traffic} */
function difference(from, to) {
  return {
    received: to.received - from.received,
    sent: to.sent - from.sent,
    receivedBytes: to.receivedBytes - from.receivedBytes,
    sentBytes: to.sentBytes - from.sentBytes,
  };
}
