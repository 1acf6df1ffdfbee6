import { last } from '../clock.js';
import { disturbance, ms, victim, type Fault } from './fault.js';

/** Answers that come first on a connection; with credentials there is one more. */
const FIRST_ANSWERS = [
  'the handshake',
  'the second answer',
  'the third answer',
];
const SHEDDINGS = 10;

/** What can happen to connections as such: how they begin, and how they end. */
export const connectionFaults = {
  'first-answers': {
    what: 'one of the first answers of each connection delayed or lost',
    lowerBound: 'none: another connection is made within the lease',
    async inject(context) {
      const { cluster, random } = context;
      const slot = victim(context);
      const position = Math.floor(random.next() * FIRST_ANSWERS.length);
      const delayMs = random.chance(0.3)
        ? 'lost'
        : random.magnitude(50, 2 * cluster.sessionTimeoutMs);
      const forMs = disturbance(context);
      const fate = delayMs === 'lost' ? 'lose' : `delay by ${ms(delayMs)}`;
      context.note(
        `${fate} ${FIRST_ANSWERS[position]} of new connections of ${slot?.instance?.id} for ${ms(forMs)}`,
      );
      for (const link of slot?.links ?? []) {
        link.answerTrouble = { position, delayMs };
        link.reset();
      }
      await last(forMs);
      for (const link of slot?.links ?? []) {
        link.answerTrouble = undefined;
      }
    },
  },
  refused: {
    what: 'connections refused beyond some number',
    lowerBound: 'session timeout, when none is left for longer than that',
    async inject(context) {
      const { random } = context;
      const slot = victim(context);
      const most = random.pick([0, 1]);
      const hasReset = random.chance(0.5);
      const forMs = disturbance(context);
      context.note(
        `allow ${slot?.instance?.id} ${most} connections to each server for ${ms(forMs)}${hasReset ? ', and reset those it has' : ''}`,
      );
      for (const link of slot?.links ?? []) {
        link.mostConnections = most;
        if (hasReset) {
          link.reset();
        }
      }
      await last(forMs);
      for (const link of slot?.links ?? []) {
        link.mostConnections = Infinity;
      }
    },
  },
  shed: {
    what: 'half of all connections reset, ten times',
    lowerBound: 'none: they are made again within the lease',
    async inject(context) {
      const { cluster, random } = context;
      const pauseMs = random.magnitude(10, 400);
      context.note(
        `reset half of all connections, ${SHEDDINGS} times every ${ms(pauseMs)}`,
      );
      for (let time = 0; time < SHEDDINGS; time++) {
        for (const { links } of cluster.slots) {
          for (const link of links) {
            link.reset(() => random.chance(0.5));
          }
        }
        await last(pauseMs);
      }
    },
  },
  mute: {
    what: 'a server that accepts connections and says nothing, between two good ones',
    lowerBound: 'none: the next server is tried within the lease',
    async inject(context) {
      const { cluster, random } = context;
      const [, mute] = random.shuffle(cluster.ensemble.members);
      const slot = victim(context);
      const forMs = disturbance(context);
      context.note(
        `server ${mute?.id} is mute for ${slot?.instance?.id}, whose connections are reset, for ${ms(forMs)}`,
      );
      const links = slot?.links ?? [];
      for (const link of links) {
        if (link.targetPort === mute?.server.port) {
          link.cut('replies');
        }
        link.reset();
      }
      await last(forMs);
    },
  },
} satisfies Record<string, Fault>;
