import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buildSample } from '../../scripts/support/build-sample.mjs';
import { LeadershipChecker } from '../support/leadership-checker.js';
import { ProcessInstance } from '../support/process-instance.js';
import {
  descendants,
  isRunning,
  type ProcessEntry,
} from '../support/process-table.js';
import { waitFor } from '../support/wait-for.js';
import { WireClient } from '../support/wire-client.js';
import { ZookeeperServer } from '../support/zookeeper-server.js';

const execute = promisify(execFile);

const WORKERS = 3;
const NAME = 'tipping-over';
const INSTALL_TIMEOUT_MS = 300_000;
/** Nothing in this test can be owed to its end. */
const SESSION_TIMEOUT_MS = 60_000;

let directory: string;
let server: ZookeeperServer;
/** What the workers must be told before they are started. */
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'zookeeper-leader-pm2-'));
  await execute(
    'npm',
    ['install', '--prefer-offline', '--no-audit', '--no-fund', 'pm2'],
    { cwd: directory },
  );
  server = await ZookeeperServer.start({
    // The sample asks for less.
    minSessionTimeoutMs: SESSION_TIMEOUT_MS,
    maxSessionTimeoutMs: SESSION_TIMEOUT_MS,
  });
  environment = {
    PATH: process.env.PATH,
    HOME: directory,
    PM2_HOME: path.join(directory, 'home'),
    ZOOKEEPER_CONNECTION_STRING: server.connectionString,
    STORY: 'json',
    NO_COLOR: '1',
  };
}, INSTALL_TIMEOUT_MS);

afterAll(async () => {
  await pm2('kill');
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

async function pm2(...args: string[]): Promise<void> {
  await execute(path.join(directory, 'node_modules/.bin/pm2'), args, {
    cwd: directory,
    env: environment,
  });
}

async function daemon(): Promise<number> {
  const file = path.join(directory, 'home/pm2.pid');
  return Number(await readFile(file, 'utf8'));
}

/** The guardians of all workers. */
async function guardians(): Promise<ProcessEntry[]> {
  const pid = await daemon();
  return descendants(pid).filter(({ parentPid }) => parentPid !== pid);
}

interface Told {
  readonly pid: number;
  readonly type: string;
  readonly atNs: bigint;
  readonly fencingToken: number;
}

/** What the workers have said of their leadership, in the order of time. */
async function story(): Promise<Told[]> {
  const logs = path.join(directory, 'home/logs');
  const texts = await Promise.all(
    (await readdir(logs)).map((name) =>
      readFile(path.join(logs, name), 'utf8'),
    ),
  );
  return texts
    .flatMap((text) => {
      // One file for each place, which one worker after the other takes.
      let pid = NaN;
      return text
        .split('\n')
        .filter((line) => /^\{"type":"(leading|deposed)"/.test(line))
        .map((line): Told => {
          const told = JSON.parse(line) as Record<string, string | number>;
          const [, own] = /:(\d+)-/.exec(String(told.instanceId)) ?? [];
          pid = own === undefined ? pid : Number(own);
          return {
            pid,
            type: String(told.type),
            atNs: BigInt(told.atNs as string),
            fencingToken: Number(told.fencingToken),
          };
        });
    })
    .toSorted((a, b) => (a.atNs < b.atNs ? -1 : 1));
}

/** The leader, once all workers are there and one of them leads. */
async function complete(): Promise<Told> {
  return waitFor(
    async () => {
      const last = (await story()).at(-1);
      return (
        (await guardians()).length === WORKERS &&
        last?.type === 'leading' &&
        last
      );
    },
    { timeoutMs: 60_000, description: 'all workers, and one that leads' },
  );
}

async function expectNobodyLeft(former: ProcessEntry[]): Promise<void> {
  await waitFor(() => !former.some(isRunning), {
    description: 'all guardians to go',
  });
  const client = await WireClient.connect({
    port: server.port,
    timeoutMs: SESSION_TIMEOUT_MS,
  });
  await waitFor(
    async () =>
      (await client.tree('/nestjs-leader')).every(
        ({ stat }) => BigInt(`0x${stat.ephemeralOwner}`) === 0n,
      ),
    { description: 'the ephemeral nodes to go' },
  );
  await client.close();
}

it("leads and hands over in PM2's cluster mode, and leaves no guardian behind", async () => {
  const killedAtNs = new Map<number, bigint>();
  const main = await buildSample('01-tipping-over');
  await pm2('start', main, '-i', String(WORKERS), '--name', NAME);
  const first = await complete();

  await pm2('reload', NAME);
  const reloaded = await complete();
  expect(reloaded.pid).not.toBe(first.pid);

  process.kill(reloaded.pid, 'SIGKILL');
  killedAtNs.set(reloaded.pid, process.hrtime.bigint());
  const next = await waitFor(
    async () => {
      const last = (await story()).at(-1);
      return last?.type === 'leading' && last.pid !== reloaded.pid && last;
    },
    { description: 'the next one to lead' },
  );
  const tookNs = next.atNs - (killedAtNs.get(reloaded.pid) as bigint);
  process.stdout.write(`hand-over after ${Number(tookNs) / 1e6} ms\n`);
  await complete();

  const beforeStop = await guardians();
  await pm2('stop', NAME);
  await expectNobodyLeft(beforeStop);

  await pm2('restart', NAME);
  const last = await complete();
  const beforeKill = await guardians();
  process.kill(await daemon(), 'SIGKILL');
  killedAtNs.set(last.pid, process.hrtime.bigint());
  await expectNobodyLeft(beforeKill);

  const checker = new LeadershipChecker();
  const told = await story();
  for (const { pid, type, atNs, fencingToken } of told) {
    const instance = String(pid);
    if (type === 'leading') {
      const fromNs = atNs;
      checker.gained({ instance, election: 'default', fromNs, fencingToken });
      const end = killedAtNs.get(pid);
      if (end !== undefined) {
        checker.lost(instance, 'default', end);
      }
    } else {
      checker.lost(instance, 'default', atNs);
    }
  }
  checker.assertNoViolations();
  expect(checker.of('default').length).toBeGreaterThanOrEqual(4);
}, 240_000);

it('is guarded below one "run", without guardians of its own', async () => {
  const file = (name: string): string =>
    fileURLToPath(new URL(`../../${name}`, import.meta.url));
  const run = new ProcessInstance(file('dist/esm/cli/cli.main.js'), {
    args: [
      ...['run', '--', 'node'],
      path.join(directory, 'node_modules/.bin/pm2-runtime'),
      ...['start', file('test/support/instance.main.mjs')],
      ...['-i', String(WORKERS), '--raw'],
    ],
    env: {
      PM2_HOME: path.join(directory, 'home-below-run'),
      OPTIONS: JSON.stringify({
        connectionString: server.connectionString,
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
        basePath: '/pm2-below-run',
      }),
    },
  });
  const all = (type: string) => run.events.filter((each) => each.type === type);
  await waitFor(
    () => all('started').length === WORKERS && all('leading').length === 1,
    { timeoutMs: 60_000, description: 'all workers, and one that leads' },
  );
  // PM2 itself and its workers.
  expect(run.descendants()).toHaveLength(1 + WORKERS);
  process.kill(Number(all('leading')[0]?.pid), 'SIGKILL');
  await waitFor(() => all('leading').length === 2, {
    description: 'the next one to lead',
  });
  expect(await run.terminate()).toMatchObject({ code: 0 });
  await waitFor(() => run.survivors().length === 0);
}, 120_000);
