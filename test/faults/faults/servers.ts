import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { last, monotonicMs } from '../clock.js';
import type { Cluster } from '../cluster.js';
import type { Member } from '../ensemble.js';
import { ALL_ELECTIONS, LEASE_SHARE } from '../settings.js';
import { disturbance, ms, type Fault, type FaultContext } from './fault.js';

/** What can happen to ZooKeeper's servers. */
export const serverFaults = {
  'server-kill': {
    what: '`kill -9` of a server, the leading one as a rule',
    lowerBound: 'election of the ensemble, beyond the lease',
    async inject(context) {
      const member = await target(context);
      const forMs = disturbance(context);
      context.note(`kill -9 server ${member.id}, for ${ms(forMs)}`);
      await member.server.stop();
      await last(forMs);
      await member.server.start();
    },
  },
  'server-restart': {
    what: 'a rolling restart',
    lowerBound: 'election of the ensemble, beyond the lease',
    async inject(context) {
      context.note('restart all servers, one after the other');
      for (const { server } of context.random.shuffle(
        context.cluster.ensemble.members,
      )) {
        await server.stop();
        await server.start();
        await context.cluster.ensemble.untilServing();
      }
    },
  },
  'server-pause': {
    what: 'a server stopped',
    lowerBound: 'election of the ensemble, beyond the lease',
    async inject(context) {
      const member = await target(context);
      const forMs = disturbance(context);
      context.note(`SIGSTOP server ${member.id} for ${ms(forMs)}`);
      await member.server.pause();
      await last(forMs);
      member.server.resume();
    },
  },
  quorum: {
    what: 'two of three servers killed or stopped',
    lowerBound: 'the outage, beyond the lease',
    async inject(context) {
      const { cluster, random } = context;
      const [first, second] = random.shuffle(cluster.ensemble.members);
      const forMs = disturbance(context);
      const isKill = random.chance(0.5);
      context.note(
        `${isKill ? 'kill -9' : 'SIGSTOP'} two servers, for ${ms(forMs)}`,
      );
      const servers = [first, second].flatMap((each) => each?.server ?? []);
      await Promise.all(
        servers.map((server) => (isKill ? server.stop() : server.pause())),
      );
      await last(forMs);
      await Promise.all(
        servers.map(async (server) =>
          isKill ? server.start() : server.resume(),
        ),
      );
    },
  },
  disk: {
    what: 'slow `fsync`, up to 1.5 s',
    lowerBound: 'none, while a write takes less than the lease',
    async inject(context) {
      const { cluster, random } = context;
      const forMs = disturbance(context);
      const syncMs = random.magnitude(5, 1_500);
      context.note(`disks take ${ms(syncMs)} to sync, for ${ms(forMs)}`);
      const file = join(cluster.settings.directory, 'slow-disk');
      writeFileSync(file, `${Math.round(syncMs)}`);
      await last(forMs);
      writeFileSync(file, '0');
    },
  },
  wipe: {
    what: 'the ensemble restarted without its data',
    lowerBound: 'the restart of the ensemble, beyond the lease',
    async inject(context) {
      context.note('stop all servers, remove their data, start them');
      await wipe(context.cluster);
    },
  },
} satisfies Record<string, Fault>;

/** Starts all servers without their data: a new era, for everything. */
export async function wipe(cluster: Cluster): Promise<void> {
  const { members } = cluster.ensemble;
  const fromMs = monotonicMs();
  await Promise.all(members.map(({ server }) => server.stop()));
  // Leases that rest on the old data may outlive it (docs/safety.md).
  for (const { instance } of cluster.running) {
    cluster.exempt(instance?.id ?? '', ALL_ELECTIONS, fromMs);
  }
  const untilMs = monotonicMs() + cluster.sessionTimeoutMs * LEASE_SHARE;
  await Promise.all(members.map(({ server }) => server.wipe()));
  // A store that fences by token must forget the old ones with the old data.
  await last(Math.max(0, untilMs - monotonicMs()));
  cluster.era += 1;
  cluster.canary.forget();
  cluster.store.forgetTokens();
  cluster.beginLedgers();
  await Promise.all(members.map(({ server }) => server.start()));
}

/** The leading server as a rule. */
async function target({ cluster, random }: FaultContext): Promise<Member> {
  const wantsLeader = random.chance(0.7);
  const any = random.pick(cluster.ensemble.members);
  const leader = await cluster.ensemble.leader();
  return wantsLeader && leader ? leader : any;
}
