import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from 'pg';
import {
  findPostgres,
  PostgresMissingError,
} from '../../scripts/postgres/installation.mjs';
import { freePort } from '../../scripts/zookeeper/free-port.mjs';
import { waitFor } from './wait-for.js';

const execute = promisify(execFile);
const GUARDIAN = fileURLToPath(
  new URL('../../scripts/support/guardian.mjs', import.meta.url),
);

/**
 * A real PostgreSQL server of a test's own: it goes, with its data, when the
 * test closes it or ends.
 */
export class PostgresServer {
  readonly url: string;
  readonly #guardian: ChildProcess;

  static async start(): Promise<PostgresServer> {
    const programs = findPostgres();
    if (programs === undefined) {
      throw new PostgresMissingError();
    }
    const directory = await mkdtemp(join(tmpdir(), 'postgres-'));
    const [command, ...prefix] = await asSomebodyElse(directory);
    const run = (program: string, ...args: string[]): [string, string[]] => {
      const all = [...prefix, join(programs, program), ...args];
      return command === undefined
        ? [all[0] as string, all.slice(1)]
        : [command, all];
    };
    const data = join(directory, 'data');
    const initdb = ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync'];
    await execute(...run('initdb', ...initdb, '--locale=C', '-E', 'UTF8'));
    const port = await freePort();
    const settings = { fsync: 'off', unix_socket_directories: '' };
    const server = new PostgresServer(
      directory,
      port,
      ...run(
        'postgres',
        ...['-D', data, '-h', '127.0.0.1', '-p', String(port)],
        ...Object.entries(settings).flatMap(([name, value]) => [
          '-c',
          `${name}=${value}`,
        ]),
      ),
    );
    await waitFor(() => server.query('select 1'), {
      timeoutMs: 30_000,
      description: 'PostgreSQL to serve',
    });
    return server;
  }

  private constructor(
    directory: string,
    port: number,
    command: string,
    args: string[],
  ) {
    this.url = `postgres://postgres@127.0.0.1:${port}/postgres`;
    this.#guardian = fork(GUARDIAN, [directory], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    // Killed, it would leave shared memory behind.
    this.#guardian.send({ command, args, endBy: 'SIGQUIT' });
  }

  /** Rows of the last statement; several statements are separated by `;`. */
  async query(
    text: string,
    values?: unknown[],
  ): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: this.url });
    await client.connect();
    try {
      const result = await client.query<Record<string, unknown>>(text, values);
      return result.rows;
    } finally {
      await client.end();
    }
  }

  async close(): Promise<void> {
    const gone = once(this.#guardian, 'exit');
    this.#guardian.disconnect();
    await gone;
  }
}

/** PostgreSQL refuses to run as root: its own user does then. */
async function asSomebodyElse(directory: string): Promise<string[]> {
  if (process.getuid?.() !== 0) {
    return [];
  }
  const idOf = async (option: string): Promise<number> =>
    Number((await execute('id', [option, 'postgres'])).stdout);
  const [uid, gid] = [await idOf('-u'), await idOf('-g')];
  await chown(directory, uid, gid);
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups'];
}
