import { setTimeout as delay } from 'node:timers/promises';
import type { Order } from './protocol.js';
import { now } from './tell.js';

/** For how long it is awake between two blocks, at most. */
const AWAKE_MS = 120;
/** As many objects as take about 60 MB. */
const OBJECTS = 400_000;

/**
 * An application that has too much to do: it blocks its event loop again and
 * again, with moments in between, and leaves garbage behind if it is asked to.
 */
export async function busy(
  { forMs, fromMs, toMs, hasGarbage }: Extract<Order, { do: 'busy' }>,
  block: (forMs: number) => void,
): Promise<void> {
  const untilMs = now() + forMs;
  let kept: object[] = [];
  while (now() < untilMs) {
    block(fromMs + Math.random() * (toMs - fromMs));
    if (hasGarbage) {
      kept = Array.from({ length: OBJECTS }, (_, index) => ({
        index,
        former: kept[index % 100],
        text: `object ${index}`,
      }));
    }
    await delay(Math.random() * AWAKE_MS);
  }
}
