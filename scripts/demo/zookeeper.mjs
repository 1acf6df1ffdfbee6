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

const ON_A_FAKE_ONE =
  'No ZooKeeper was found, so this runs on the TestingServer, a fake one in memory. For a real one, ' +
  'install Java and ZooKeeper (Debian, Ubuntu: apt-get install libzookeeper-java default-jre-headless), ' +
  'point ZOOKEEPER_HOME at a release, start Docker, or set ZOOKEEPER_CONNECTION_STRING.';

const REMOVAL_TIMEOUT_MS = 10_000;

/**
 * A ZooKeeper for the demo: the one that is named, else one of our own, from
 * what is installed or can be, else one in a container, else a fake one.
 *
 * @returns {Promise<DemoZookeeper>}
 */
export async function findDemoZookeeper() {
  const named = process.env.ZOOKEEPER_CONNECTION_STRING;
  if (named) {
    return useNamed(named);
  }
  try {
    return await startLocal();
  } catch (error) {
    if (!(error instanceof ZookeeperMissingError)) {
      throw error;
    }
  }
  try {
    return await startContainer();
  } catch {
    console.log(ON_A_FAKE_ONE);
    return startFake();
  }
}

/**
 * @param {string} connectionString
 * @returns {Promise<DemoZookeeper>}
 */
async function useNamed(connectionString) {
  await checkConnectionString(connectionString);
  // A path of its own: nobody else's instances take part.
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

/** @returns {Promise<DemoZookeeper>} */
async function startFake() {
  const file = inProject('dist/esm/testing/server/testing-server.js');
  const { TestingServer } = await import(pathToFileURL(file).href);
  return TestingServer.start({ log: false });
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
