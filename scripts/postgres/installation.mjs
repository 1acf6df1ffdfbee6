// @ts-check
/**
 * Finds a PostgreSQL server on this machine, or installs the one of the
 * distribution, for the test of fenced writes.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { tryToInstall } from '../support/apt-get.mjs';

/** Where Debian and Ubuntu put the servers, a directory for each version. */
const PACKAGE_DIRECTORY = '/usr/lib/postgresql';

const HOW_TO_GET_ONE = [
  'Install PostgreSQL. Its initdb and postgres must be on the PATH or in the',
  'directory that "pg_config --bindir" prints (Debian, Ubuntu: apt-get install postgresql).',
].join('\n');

/** No PostgreSQL here, and none could be installed. */
export class PostgresMissingError extends Error {
  /** @param {string} [problem] why it could not be installed */
  constructor(problem) {
    super(
      ['No PostgreSQL server was found.', problem, HOW_TO_GET_ONE]
        .filter(Boolean)
        .join('\n'),
    );
    this.name = 'PostgresMissingError';
  }
}

/**
 * The directory of its programs; undefined if there is none.
 *
 * @returns {string | undefined}
 */
export function findPostgres() {
  const { stdout } = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' });
  const versions = existsSync(PACKAGE_DIRECTORY)
    ? readdirSync(PACKAGE_DIRECTORY).toSorted((a, b) => Number(b) - Number(a))
    : [];
  const onPath = (process.env.PATH ?? '').split(':');
  return [
    ...versions.map((version) => join(PACKAGE_DIRECTORY, version, 'bin')),
    (stdout ?? '').trim(),
    ...onPath,
  ].find(
    (directory) =>
      directory !== '' &&
      existsSync(join(directory, 'initdb')) &&
      existsSync(join(directory, 'postgres')),
  );
}

/**
 * The same, but installs the distribution's package where that is possible.
 *
 * @param {{ log?: (line: string) => void }} [options]
 */
export async function ensurePostgres({ log = console.log } = {}) {
  const found = findPostgres();
  if (found !== undefined) {
    return found;
  }
  const problem = await tryToInstall(['postgresql'], log);
  const installed = findPostgres();
  if (installed === undefined) {
    throw new PostgresMissingError(problem);
  }
  return installed;
}
