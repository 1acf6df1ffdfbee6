// @ts-check
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { inProject } from '../support/project.mjs';

const execute = promisify(execFile);

/** Not the user's own containers of the sample. */
const PROJECT = `nestjs-zookeeper-leader-demo-${process.pid}`;
const COMPOSE_FILE = inProject('sample/01-tipping-over/docker-compose.yml');

/**
 * Runs the ZooKeeper of the sample's docker-compose.yml.
 *
 * @returns {Promise<import('./zookeeper.mjs').DemoZookeeper>}
 */
export async function startContainer() {
  try {
    await compose('up', '--detach', '--wait', 'zookeeper');
    const published = (await compose('port', 'zookeeper', '2181')).trim();
    console.log(`Started ZooKeeper in a container on ${published}.`);
    return { connectionString: published, close: removeContainer };
  } catch (error) {
    // One that did not become healthy runs nevertheless.
    await removeContainer().catch(() => undefined);
    throw error;
  }
}

async function removeContainer() {
  await compose('down', '--volumes');
}

/** @param {string[]} args */
async function compose(...args) {
  const options = ['--project-name', PROJECT, '--file', COMPOSE_FILE];
  try {
    const { stdout } = await execute('docker', [
      'compose',
      ...options,
      ...args,
    ]);
    return stdout;
  } catch (error) {
    const { stderr, message } = /** @type {Error & { stderr?: string }} */ (
      error
    );
    throw new Error(
      `docker compose ${args[0]} failed: ${stderr?.trim() || message}`,
      { cause: error },
    );
  }
}
