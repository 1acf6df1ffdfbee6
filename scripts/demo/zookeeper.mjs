// @ts-check
import { randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { inProject } from '../support/project.mjs';
import { runNode, StepFailedError } from '../support/steps.mjs';
import {
  ensureZookeeper,
  ZookeeperMissingError,
} from '../zookeeper/installation.mjs';
import { startZookeeper } from '../zookeeper/server.mjs';
import { startContainer } from './container.mjs';

/**
 * @typedef {object} DemoZookeeper
 * @property {string} connectionString
 * @property {() => Promise<void>} close ends, and removes, what was started
 */

const WAYS_TO_GET_ONE = [
  'There are three ways to get a ZooKeeper for the demo:',
  '  1. set ZOOKEEPER_CONNECTION_STRING to a server that is already running;',
  '  2. install Java and Apache ZooKeeper: unpack a release from https://zookeeper.apache.org/releases.html',
  '     and point ZOOKEEPER_HOME at it, or install the package of the distribution',
  '     (Debian, Ubuntu: apt-get install libzookeeper-java default-jre-headless);',
  '  3. install Docker with `docker compose`: the demo then runs ZooKeeper in a container.',
].join('\n');

const REMOVAL_TIMEOUT_MS = 10_000;

/**
 * A ZooKeeper for the demo: the one that is named, else one of our own, from
 * what is installed or can be, else one in a container.
 *
 * @returns {Promise<DemoZookeeper>}
 */
export async function findDemoZookeeper() {
  const named = process.env.ZOOKEEPER_CONNECTION_STRING;
  if (named) {
    return useNamed(named);
  }
  let problem;
  try {
    return await startLocal();
  } catch (error) {
    if (!(error instanceof ZookeeperMissingError)) {
      throw error;
    }
    problem = error.problem;
  }
  try {
    return await startContainer();
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    throw new StepFailedError(
      ['No ZooKeeper was found.', problem, message, WAYS_TO_GET_ONE]
        .filter(Boolean)
        .join('\n'),
    );
  }
}

/**
 * @param {string} connectionString
 * @returns {Promise<DemoZookeeper>}
 */
async function useNamed(connectionString) {
  await checkConnectionString(connectionString);
  // A path of its own, so that nobody else's instances take part.
  const path = `/tipping-over-${randomBytes(4).toString('hex')}`;
  const parent = connectionString.replace(/\/*$/, '');
  console.log(`Using ${connectionString}, below ${path}.`);
  return {
    connectionString: parent + path,
    close: async () => {
      const script = inProject('scripts/demo/remove-nodes.mjs');
      try {
        await runNode([script, parent, path], {
          timeout: REMOVAL_TIMEOUT_MS,
          killSignal: 'SIGKILL',
          stdio: 'ignore',
        });
      } catch {
        console.error(`${path} could not be removed from ${parent}.`);
      }
    },
  };
}

/** @returns {Promise<DemoZookeeper>} */
async function startLocal() {
  const { description } = await ensureZookeeper();
  const server = await startZookeeper();
  console.log(`Started ${description} on ${server.connectionString}.`);
  return {
    connectionString: server.connectionString,
    close: () => server.close(),
  };
}

/**
 * One message here, instead of the same one from every instance.
 *
 * @param {string} text
 */
async function checkConnectionString(text) {
  const parser = inProject('dist/esm/zookeeper/connection-string.js');
  const { parseConnectionString } = await import(pathToFileURL(parser).href);
  try {
    parseConnectionString(text);
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    throw new StepFailedError(`ZOOKEEPER_CONNECTION_STRING: ${message}`);
  }
}
