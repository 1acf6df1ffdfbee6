import { waitFor } from '../../support/wait-for.js';
import { last } from '../clock.js';
import type { Slot } from '../cluster.js';
import type { Link, LinkDirection } from '../link.js';
import { PATIENCE_MS } from '../settings.js';
import type { Weather } from '../weather.js';
import {
  disturbance,
  ms,
  victim,
  type Fault,
  type FaultContext,
} from './fault.js';

const DIRECTIONS = ['requests', 'replies'] as const;

/** What can happen to the cables between an instance and the servers. */
export const networkFaults = {
  cut: {
    what: 'an instance cut off its server',
    lowerBound: 'none: another server is reached within the lease',
    async inject(context) {
      const slot = victim(context);
      const forMs = disturbance(context);
      context.note(`cut ${name(slot)} off its server for ${ms(forMs)}`);
      await during(forMs, inUse(slot), (link) => link.cut());
    },
  },
  partition: {
    what: 'cut off all servers',
    lowerBound: 'session timeout, when it is longer than that',
    async inject(context) {
      const slot = victim(context);
      const forMs = disturbance(context);
      context.note(`cut ${name(slot)} off all servers for ${ms(forMs)}`);
      await during(forMs, slot?.links ?? [], (link) => link.cut());
    },
  },
  'one-way': {
    what: 'requests or replies lost, to all servers',
    lowerBound: 'session timeout, when it is longer than that',
    async inject(context) {
      const slot = victim(context);
      const forMs = disturbance(context);
      const direction = context.random.pick(DIRECTIONS);
      context.note(`lose ${direction} of ${name(slot)} for ${ms(forMs)}`);
      await during(forMs, slot?.links ?? [], (link) => link.cut(direction));
    },
  },
  delay: {
    what: 'bytes delayed',
    lowerBound: 'none, while it is shorter than the lease',
    async inject(context) {
      const slot = victim(context);
      const forMs = disturbance(context);
      const delayMs = context.random.magnitude(5, 500);
      const weather = { delayMs, jitterMs: delayMs / 2, lossRate: 0 };
      context.note(`delay ${name(slot)} by ${ms(delayMs)} for ${ms(forMs)}`);
      await bad(context, forMs, slot?.links ?? [], weather);
    },
  },
  loss: {
    what: 'packets lost',
    lowerBound: 'none, while it is shorter than the lease',
    async inject(context) {
      const slot = victim(context);
      const forMs = disturbance(context);
      const lossRate = context.random.between(0.02, 0.4);
      const percent = Math.round(lossRate * 100);
      context.note(`lose ${percent} % of ${name(slot)} for ${ms(forMs)}`);
      const weather = { delayMs: 1, jitterMs: 2, lossRate };
      await bad(context, forMs, slot?.links ?? [], weather);
    },
  },
  reset: {
    what: 'connections reset in mid-packet',
    lowerBound: 'none: it connects again within the lease',
    async inject(context) {
      const slot = victim(context);
      const times = Math.ceil(context.random.magnitude(1, 5));
      const direction = context.random.pick(DIRECTIONS);
      context.note(
        `reset ${name(slot)} in the middle of ${direction}, ${times} times`,
      );
      for (let time = 0; time < times; time++) {
        const bytes = Math.ceil(context.random.magnitude(1, 200));
        for (const link of slot?.links ?? []) {
          link.resetAfter(bytes, direction);
        }
        await last(context.random.magnitude(20, 600));
      }
    },
  },
  'server-partition': {
    what: 'a server cut off the others',
    lowerBound: 'election of the ensemble, beyond the lease',
    async inject(context) {
      const { cluster, random } = context;
      const wantsLeader = random.chance(0.7);
      const any = random.pick(cluster.ensemble.members);
      const leader = await cluster.ensemble.leader();
      const member = wantsLeader && leader ? leader : any;
      const forMs = disturbance(context);
      const role = member === leader ? 'the leading server' : 'a server';
      context.note(`cut ${role} off the others for ${ms(forMs)}`);
      const links = cluster.ensemble.linksOf(member);
      await during(forMs, links, (link) => link.cut());
    },
  },
  'server-one-way': {
    what: 'a server not heard by the others',
    lowerBound: 'election of the ensemble, beyond the lease',
    async inject(context) {
      const { cluster, random } = context;
      const member = random.pick(cluster.ensemble.members);
      const forMs = disturbance(context);
      const isHeard = random.chance(0.5);
      context.note(
        `server ${member.id} ${isHeard ? 'hears nobody' : 'is not heard'} for ${ms(forMs)}`,
      );
      const [out, back]: LinkDirection[] = isHeard
        ? ['replies', 'requests']
        : ['requests', 'replies'];
      const into = cluster.ensemble.linksInto(member);
      await Promise.all([
        during(forMs, cluster.ensemble.linksFrom(member), (link) =>
          link.cut(out),
        ),
        during(forMs, into, (link) => link.cut(back)),
      ]);
    },
  },
  'server-weather': {
    what: 'delay and loss among the servers',
    lowerBound: 'election of the ensemble, beyond the lease',
    async inject(context) {
      const { cluster, random } = context;
      const forMs = disturbance(context);
      const delayMs = random.magnitude(1, 150);
      const lossRate = random.pick([0, 0.05, 0.2]);
      const percent = Math.round(lossRate * 100);
      context.note(
        `${ms(delayMs)} and ${percent} % loss among the servers for ${ms(forMs)}`,
      );
      const weather = { delayMs, jitterMs: delayMs, lossRate };
      await bad(context, forMs, cluster.ensemble.links, weather);
    },
  },
} satisfies Record<string, Fault>;

function name(slot: Slot | undefined): string {
  return slot?.instance?.id ?? 'nobody';
}

/** The cable to the server that an instance is connected to. */
function inUse(slot: Slot | undefined): Link[] {
  return (slot?.links ?? []).filter((link) => link.openConnections > 0);
}

async function during(
  forMs: number,
  links: readonly Link[],
  harm: (link: Link) => void,
): Promise<void> {
  for (const link of links) {
    harm(link);
  }
  await last(forMs);
  for (const link of links) {
    link.mend();
  }
}

async function bad(
  { random }: FaultContext,
  forMs: number,
  links: readonly Link[],
  weather: Weather,
): Promise<void> {
  const direction = random.pick(['requests', 'replies', 'both'] as const);
  await during(forMs, links, (link) => link.weather(weather, direction));
  // What was lost at last comes later, or costs the connection.
  await waitFor(() => links.every(({ isIdle }) => isIdle), {
    timeoutMs: PATIENCE_MS,
    description: 'what was delayed or lost',
  });
}
