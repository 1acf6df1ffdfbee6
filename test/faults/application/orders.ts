import { createInterface } from 'node:readline';
import type { Order } from './protocol.js';

/**
 * Takes orders: over the channel to the process that has started this one or,
 * where there is none, from the standard input. Does not keep the process alive.
 */
export function takeOrders(take: (order: Order) => void): void {
  process.on('message', take);
  if (process.channel) {
    return;
  }
  const { stdin } = process;
  createInterface({ input: stdin })
    .on('line', (line) => take(JSON.parse(line) as Order))
    // Who has given the orders is gone: nobody would ever end this process.
    .on('close', () => process.kill(process.pid, 'SIGKILL'));
  stdin.unref();
}
