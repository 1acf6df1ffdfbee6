import { waitFor } from '../../support/wait-for.js';
import { unless } from '../../support/wire-error.js';
import { last } from '../clock.js';
import { signal } from '../instance.js';
import { BASE_PATH, FRESH_ELECTION, PATIENCE_MS } from '../settings.js';
import { disturbance, ms, victim, type Fault } from './fault.js';

/** In session timeouts: shorter blocks cost nothing, longer ones the lease. */
const LEAST_BUSY_SHARE = 0.3;
const MOST_BUSY_SHARE = 0.8;
/** An application waits longer than that for its guardian, and not for ever. */
const SLOW_START_MS = 2_000;

/** What can happen to the process of an application. */
export const instanceFaults = {
  kill: {
    what: '`kill -9` of an application',
    lowerBound: 'one round trip: its guardian closes the session',
    async inject(context) {
      const instance = victim(context, context.cluster.mortal)?.instance;
      // Without one it is a crash: a sidecar that has ended is away for a while.
      await waitFor(() => !instance?.isRunning || instance.isGuarded, {
        timeoutMs: PATIENCE_MS,
        description: `a guardian of ${instance?.id}`,
      });
      context.note(`kill -9 ${instance?.id}`);
      await instance?.kill();
    },
  },
  crash: {
    what: '`kill -9` of an application and its guardian',
    lowerBound: 'session timeout',
    async inject(context) {
      const instance = victim(context, context.cluster.mortal)?.instance;
      context.note(`kill -9 ${instance?.id} and its guardian`);
      await instance?.crash();
    },
  },
  guardian: {
    what: '`kill -9` of a guardian',
    lowerBound: 'none: another one is started',
    async inject(context) {
      const instance = victim(context, context.cluster.mortal)?.instance;
      context.note(`kill -9 the guardian of ${instance?.id}`);
      signal(instance?.guardian(), 'SIGKILL');
    },
  },
  'guardian-pause': {
    what: 'a guardian stopped, likewise',
    lowerBound: 'none',
    async inject(context) {
      const instance = victim(context)?.instance;
      const forMs = disturbance(context);
      context.note(`SIGSTOP the guardian of ${instance?.id} for ${ms(forMs)}`);
      const guardian = instance?.guardian();
      signal(guardian, 'SIGSTOP');
      await last(forMs);
      signal(guardian, 'SIGCONT');
    },
  },
  'guardian-start': {
    what: 'an application started, whose guardian takes two seconds to start',
    lowerBound: 'one round trip, after the drain',
    async inject(context) {
      const { cluster } = context;
      const slot = victim(context, cluster.mortal);
      if (!slot) {
        return;
      }
      await slot.instance?.terminate();
      const instance = cluster.startInstance(slot);
      const guardian = await waitFor(() => instance.guardian(), {
        timeoutMs: PATIENCE_MS,
        description: `the guardian of ${instance.id}`,
      });
      signal(guardian, 'SIGSTOP');
      const isInTime = !instance.hasJoined;
      context.note(
        `start ${instance.id}, its guardian stopped for ${ms(SLOW_START_MS)}`,
      );
      await last(SLOW_START_MS);
      if (isInTime && instance.hasJoined) {
        cluster.history.problem(
          `${instance.id} takes part in an election, and its guardian has not acknowledged the session`,
        );
      }
      signal(guardian, 'SIGCONT');
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
    what: 'application and guardian stopped, likewise',
    lowerBound: 'session timeout, when it is longer than that',
    async inject(context) {
      const instance = victim(context)?.instance;
      const forMs = disturbance(context);
      context.note(`SIGSTOP ${instance?.id} and its guardian for ${ms(forMs)}`);
      const guardian = instance?.guardian();
      signal(guardian, 'SIGSTOP');
      instance?.signal('SIGSTOP');
      await last(forMs);
      // Either may be first to go on.
      if (context.random.chance(0.5)) {
        signal(guardian, 'SIGCONT');
        instance?.signal('SIGCONT');
      } else {
        instance?.signal('SIGCONT');
        signal(guardian, 'SIGCONT');
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
  'join-and-block': {
    what: 'an event loop blocked just after joining an election on a new path',
    lowerBound: 'none; maxStallMs when it is longer than that',
    async inject(context) {
      const { cluster } = context;
      const instance = victim(context)?.instance;
      const forMs = disturbance(context);
      context.note(
        `${instance?.id} joins an election on a new path, and blocks for ${ms(forMs)}`,
      );
      await cluster.inspect((client) =>
        client
          .delete(`${BASE_PATH}/elections/${FRESH_ELECTION}`)
          .catch(unless('NO_NODE', 'NOT_EMPTY')),
      );
      instance?.order({ do: 'join-and-block', forMs });
      await last(forMs);
    },
  },
  channel: {
    what: 'the channel between an application and its guardian ended',
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
