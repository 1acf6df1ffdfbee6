import { writeFileSync } from 'node:fs';
import { unless } from '../../support/wire-error.js';
import { last } from '../clock.js';
import { ledgerPath } from '../ledgers.js';
import { LEDGERED_TASKS } from '../settings.js';
import { disturbance, ms, victim, type Fault } from './fault.js';

/** What can happen to the wall clock. */
export const wallClockFaults = {
  clock: {
    what: 'a wall clock set by an hour',
    lowerBound: 'one round trip, and a new connection when it is set ahead',
    async inject(context) {
      const { cluster, random } = context;
      const slot = victim(context);
      const hours = random.pick([-1, 1]);
      const forMs = disturbance(context);
      context.note(
        `set the clock of ${slot?.instance?.id} by ${hours} h for ${ms(forMs)}`,
      );
      if (!slot) {
        return;
      }
      await cluster.readLedgers();
      const era = cluster.history.ledgerEras.at(-1);
      if (era) {
        era.lastTickInTime = new Map(era.lastTick);
      }
      writeFileSync(slot.clockFile, `${hours > 0 ? '+' : '-'}3600`);
      await last(forMs);
      writeFileSync(slot.clockFile, '+0');
      // A ledger that has seen the future has no more ticks for an hour: what
      // an operator does about that.
      await cluster.ensemble.untilServing();
      await cluster.inspect(async (client) => {
        cluster.beginLedgers();
        for (const task of LEDGERED_TASKS) {
          await client.delete(ledgerPath(task)).catch(unless('NO_NODE'));
        }
      });
    },
  },
} satisfies Record<string, Fault>;
