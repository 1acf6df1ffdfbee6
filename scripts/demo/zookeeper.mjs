// @ts-check
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../support/project.mjs';
import { StepFailedError } from '../support/steps.mjs';
import {
  ensureZookeeper,
  ZookeeperMissingError,
} from '../zookeeper/installation.mjs';
import { startZookeeper } from '../zookeeper/server.mjs';

/**
 * @typedef {object} DemoZookeeper
 * @property {string} connectionString
 * @property {() => Promise<void>} close
 */

const execute = promisify(execFile);
const COMPOSE = [
  'compose',
  '-f',
  join(projectRoot, 'sample', '01-tipping-over', 'docker-compose.yml'),
];

/**
 * A ZooKeeper for the demo: the one that is named, else one of our own, from
 * what is installed or can be, else one in a container.
 *
 * @returns {Promise<DemoZookeeper>}
 */
export async function findDemoZookeeper() {
  const named = process.env.ZOOKEEPER_CONNECTION_STRING;
  if (named) {
    // A path of its own, so that nobody else's instances take part.
    const path = `/tipping-over-${randomBytes(4).toString('hex')}`;
    console.log(`Using ${named}, below ${path}.`);
    return {
      connectionString: named.replace(/\/*$/, '') + path,
      close: async () => undefined,
    };
  }
  try {
    const { description } = await ensureZookeeper();
    const server = await startZookeeper();
    console.log(`Started ${description} on ${server.connectionString}.`);
    return {
      connectionString: server.connectionString,
      close: () => server.close(),
    };
  } catch (error) {
    if (!(error instanceof ZookeeperMissingError)) {
      throw error;
    }
    return startContainer(error);
  }
}

/**
 * @param {ZookeeperMissingError} missing
 * @returns {Promise<DemoZookeeper>}
 */
async function startContainer(missing) {
  try {
    await execute('docker', [...COMPOSE, 'up', '-d', '--wait', 'zookeeper']);
  } catch {
    throw new StepFailedError(missing.message);
  }
  const { stdout } = await execute('docker', [
    ...COMPOSE,
    'port',
    'zookeeper',
    '2181',
  ]);
  console.log(`Started ZooKeeper in a container on ${stdout.trim()}.`);
  return {
    connectionString: stdout.trim(),
    close: async () => {
      await execute('docker', [...COMPOSE, 'down', '--volumes']);
    },
  };
}
