import { last } from '../clock.js';
import { signal } from '../instance.js';
import { disturbance, ms, victim, type Fault } from './fault.js';

/** In session timeouts: shorter blocks cost nothing, longer ones the lease. */
const LEAST_BUSY_SHARE = 0.3;
const MOST_BUSY_SHARE = 0.8;

/** What can happen to the process of an application. */
export const instanceFaults = {
  kill: {
    what: '`kill -9` of an application',
    lowerBound: 'one round trip: the keeper closes the session',
    async inject(context) {
      const instance = victim(context, context.cluster.mortal)?.instance;
      context.note(`kill -9 ${instance?.id}`);
      await instance?.kill();
    },
  },
  crash: {
    what: '`kill -9` of an application and its keeper',
    lowerBound: 'session timeout',
    async inject(context) {
      const instance = victim(context, context.cluster.mortal)?.instance;
      context.note(`kill -9 ${instance?.id} and its keeper`);
      await instance?.crash();
    },
  },
  keeper: {
    what: '`kill -9` of a session keeper',
    lowerBound: 'none: the session is taken over',
    async inject(context) {
      const instance = victim(context, context.cluster.mortal)?.instance;
      context.note(`kill -9 the keeper of ${instance?.id}`);
      signal(instance?.keeper(), 'SIGKILL');
    },
  },
  terminate: {
    what: 'SIGTERM of an application',
    lowerBound: 'one round trip, after the drain',
    async inject(context) {
      const instance = victim(context, context.cluster.mortal)?.instance;
      context.note(`SIGTERM ${instance?.id}`);
      await instance?.terminate();
    },
  },
  pause: {
    what: 'an application stopped, 10 ms to three session timeouts',
    lowerBound: 'none; maxStallMs when it is longer than that',
    async inject(context) {
      const instance = victim(context)?.instance;
      const forMs = disturbance(context);
      context.note(`SIGSTOP ${instance?.id} for ${ms(forMs)}`);
      instance?.signal('SIGSTOP');
      await last(forMs);
      instance?.signal('SIGCONT');
    },
  },
  freeze: {
    what: 'application and keeper stopped, likewise',
    lowerBound: 'session timeout, when it is longer than that',
    async inject(context) {
      const instance = victim(context)?.instance;
      const forMs = disturbance(context);
      context.note(`SIGSTOP ${instance?.id} and its keeper for ${ms(forMs)}`);
      const keeper = instance?.keeper();
      signal(keeper, 'SIGSTOP');
      instance?.signal('SIGSTOP');
      await last(forMs);
      // Either may be first to go on.
      if (context.random.chance(0.5)) {
        signal(keeper, 'SIGCONT');
        instance?.signal('SIGCONT');
      } else {
        instance?.signal('SIGCONT');
        signal(keeper, 'SIGCONT');
      }
    },
  },
  block: {
    what: 'an event loop blocked, likewise',
    lowerBound: 'none; maxStallMs when it is longer than that',
    async inject(context) {
      const instance = victim(context)?.instance;
      const forMs = disturbance(context);
      context.note(`block the event loop of ${instance?.id} for ${ms(forMs)}`);
      instance?.order({ do: 'block', forMs });
      await last(forMs);
    },
  },
  busy: {
    what: 'an event loop blocked again and again, for 0.3 to 0.8 session timeouts',
    lowerBound: 'none: it leads in between, or makes way',
    async inject(context) {
      const { cluster, random } = context;
      const instance = victim(context)?.instance;
      const { sessionTimeoutMs } = cluster;
      const forMs = random.magnitude(sessionTimeoutMs, 8 * sessionTimeoutMs);
      const hasGarbage = random.chance(0.4);
      context.note(
        `keep ${instance?.id} busy for ${ms(forMs)}${hasGarbage ? ', with garbage' : ''}`,
      );
      instance?.order({
        do: 'busy',
        forMs,
        fromMs: LEAST_BUSY_SHARE * sessionTimeoutMs,
        toMs: MOST_BUSY_SHARE * sessionTimeoutMs,
        hasGarbage,
      });
      await last(forMs + MOST_BUSY_SHARE * sessionTimeoutMs);
    },
  },
  channel: {
    what: 'the channel between an application and its keeper ended',
    lowerBound: 'none, or one round trip where the session is given up',
    async inject(context) {
      const instance = victim(context, context.cluster.mortal)?.instance;
      context.note(`end the channels of ${instance?.id} to its processes`);
      instance?.order({ do: 'cut-channel' });
    },
  },
  resign: {
    what: '`resign()`, several times at once',
    lowerBound: 'one round trip',
    async inject(context) {
      const times = Math.ceil(context.random.magnitude(1, 8));
      context.note(`resign(), ${times} times`);
      for (let time = 0; time < times; time++) {
        victim(context)?.instance?.order({ do: 'resign' });
        await last(context.random.magnitude(1, 60));
      }
    },
  },
  withdraw: {
    what: '`withdraw()` and `enter()`',
    lowerBound: 'one round trip',
    async inject(context) {
      const instance = victim(context)?.instance;
      const forMs = context.random.magnitude(1, 1_000);
      context.note(`withdraw() and enter() of ${instance?.id}, ${ms(forMs)}`);
      instance?.order({ do: 'withdraw', forMs });
      await last(forMs);
    },
  },
} satisfies Record<string, Fault>;
