// @ts-check
import { CLIENT, FLOOR, metric, OWN } from '../support/own-context.mjs';
import { emitTimes, median } from '../support/samples.mjs';

/**
 * Takes turns between the library, its client alone and the npm client alone, and
 * reports all three.
 *
 * @param {number} warm
 * @param {number} n
 * @param {Record<'own' | 'client' | 'floor', () => Promise<number>>} measure
 */
export async function repeat(warm, n, measure, k = 1) {
  /** @type {number[]} */ const own = [];
  /** @type {number[]} */ const client = [];
  /** @type {number[]} */ const floor = [];
  for (let i = -warm; i < n; i++) {
    const ownMs = await measure.own();
    const clientMs = await measure.client();
    const floorMs = await measure.floor();
    if (i >= 0) {
      own.push(ownMs);
      client.push(clientMs);
      floor.push(floorMs);
    }
  }
  emitTimes(OWN, metric, k, own, {
    ratio_floor: Number((median(own) / median(floor)).toFixed(3)),
  });
  emitTimes(CLIENT, metric, k, client);
  emitTimes(FLOOR, metric, k, floor);
}
