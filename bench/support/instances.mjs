// @ts-check
/** Instances of the built library without an application around them. */
import { Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';

/** @param {string} file */
const load = (file) =>
  import(new URL(`../../dist/esm/${file}`, import.meta.url).href);
const { LeaderElections } = await load('election/leader-elections.js');
const { resolveOptions } = await load('zookeeper-leader.options.js');

Logger.overrideLogger(false);

/** @typedef {import('../../lib/election/leader-elections.js').LeaderElections} Elections */
/** @typedef {import('../../lib/index.js').LeaderElection} Election */

/**
 * @param {import('../../lib/index.js').ZookeeperLeaderModuleOptions} options
 * @returns {Elections}
 */
export function newInstance(options) {
  const identity = {
    instanceId: `bench-${process.pid}`,
    host: 'bench',
    pid: process.pid,
  };
  return new LeaderElections(
    resolveOptions({ sessionTimeoutMs: 60_000, ...options }),
    identity,
    'bench',
  );
}

/** @param {Parameters<typeof newInstance>[0]} options */
export async function startInstance(options) {
  const instance = newInstance(options);
  await instance.start();
  return instance;
}

/**
 * Resolves to the moment at which the election told its subscribers that this
 * instance leads.
 *
 * @param {Election} election
 * @returns {Promise<number>} of performance.now()
 */
export function leadsAt(election) {
  return new Promise((resolve) => {
    const subscription = election.leadership$.subscribe(({ role }) => {
      if (role === 'leader') {
        resolve(performance.now());
        queueMicrotask(() => subscription.unsubscribe());
      }
    });
  });
}

/**
 * Resolves when the condition holds. Nothing that is timed waits like this.
 *
 * @param {() => boolean | Promise<boolean>} condition
 */
export async function until(condition) {
  const deadline = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      throw new Error(`never came true: ${condition.toString()}`);
    }
    await sleep(1);
  }
}
