// @ts-check
/** kill -9 of the leading application. */
import { setTimeout as sleep } from 'node:timers/promises';
import { leadsAt, startInstance, until } from '../support/instances.mjs';
import { metric, number, options, OWN } from '../support/own-context.mjs';
import { childrenOf, leadingChild } from '../support/processes.mjs';
import { emitTimes } from '../support/samples.mjs';
import { startTlsServer } from '../support/tls-server.mjs';

export const crashFailover = () => timedCrashes('application', options);

/** Its guardian is killed with it. */
export const crashFailoverBoth = () => timedCrashes('both', options);

/** The session is encrypted: the guardian makes a connection of its own. */
export async function crashFailoverTls() {
  const server = await startTlsServer();
  const { connectionString, ca } = server;
  await timedCrashes('application', {
    ...options,
    connectionString,
    tls: { ca },
  });
  await server.close();
}

/**
 * @param {'application' | 'both'} who is killed
 * @param {import('../../lib/index.js').ZookeeperLeaderModuleOptions} settings
 */
async function timedCrashes(who, settings) {
  const sessionTimeoutMs = number('timeout', 2_000);
  const waiting = await startInstance({ ...settings, sessionTimeoutMs });
  const election = waiting.find('default', 'bench');
  // It entered when it started.
  await election.withdraw();
  /** @type {number[]} */
  const samples = [];
  for (let i = 0; i < number('n', 5); i++) {
    const child = await leadingChild({ ...settings, sessionTimeoutMs });
    election.enter();
    await until(() => election.leadership.role === 'follower');
    // Any phase of the heartbeats.
    await sleep(500 + Math.random() * Math.min(sessionTimeoutMs, 3_000));
    const leads = leadsAt(election);
    const guardians = who === 'both' ? childrenOf(child.pid) : [];
    const from = performance.now();
    for (const pid of [child.pid, ...guardians]) {
      process.kill(pid, 'SIGKILL');
    }
    samples.push((await leads) - from);
    await election.withdraw();
  }
  emitTimes(OWN, metric, 2, samples, {
    session_ms: sessionTimeoutMs,
    all_ms: samples.map((each) => each.toFixed(0)).join(' '),
  });
  await waiting.shutDown();
}
