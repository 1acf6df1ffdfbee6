import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { ProcessInstance } from '../../support/process-instance.js';
import {
  isRunning,
  processEntry,
  type ProcessEntry,
} from '../../support/process-table.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient } from '../../support/wire-client.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const MAIN = path.join(ROOT, 'test/support/instance.main.mjs');
/** So long that nothing in these tests can be owed to its end. */
const SESSION_TIMEOUT_MS = 60_000;

let server: ZookeeperServer;
let testNumber = 0;
let basePath: string;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(() => ProcessInstance.closeAll());
afterAll(() => server.close());

function start(
  options: ConstructorParameters<typeof ProcessInstance>[1] = {},
): ProcessInstance {
  testNumber += 1;
  basePath = `/orphan-${testNumber}`;
  return new ProcessInstance(MAIN, {
    ...options,
    env: {
      OPTIONS: JSON.stringify({
        connectionString: server.connectionString,
        basePath,
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
      }),
      ...options.env,
    },
  });
}

async function leadingWithGuardian(
  instance: ProcessInstance,
): Promise<ProcessEntry> {
  await instance.waitForEvent('leading');
  const [pid] = instance.descendants();
  return processEntry(pid as number) as ProcessEntry;
}

/** The session is closed, not left to its timeout, and no guardian stays. */
async function expectNothingLeft(guardian: ProcessEntry): Promise<void> {
  await waitFor(() => !isRunning(guardian), {
    description: 'the guardian to go',
  });
  const client = await WireClient.connect({
    port: server.port,
    timeoutMs: 4_000,
  });
  await waitFor(
    async () =>
      (await client.tree(basePath)).every(
        ({ stat }) => BigInt(`0x${stat.ephemeralOwner}`) === 0n,
      ),
    { description: 'the ephemeral nodes to go' },
  );
  await client.close();
}

describe('when the application ends, its session and its guardian end', () => {
  it.each(['exit', 'throw', 'reject', 'close'])('by %s', async (exit) => {
    const instance = start();
    const guardian = await leadingWithGuardian(instance);
    instance.send({ exit });
    await instance.exited;
    await expectNothingLeft(guardian);
  });

  it('by kill -9', async () => {
    const instance = start();
    const guardian = await leadingWithGuardian(instance);
    await instance.kill();
    await expectNothingLeft(guardian);
  });

  it('by SIGTERM without shutdown hooks', async () => {
    const instance = start();
    const guardian = await leadingWithGuardian(instance);
    await instance.terminate();
    await expectNothingLeft(guardian);
  });

  it('under the inspector, whose options the guardian does not inherit', async () => {
    const instance = start({ env: { NODE_OPTIONS: '--inspect=127.0.0.1:0' } });
    const guardian = await leadingWithGuardian(instance);
    await instance.kill();
    await expectNothingLeft(guardian);
  });

  it('although a child process that it has started lives on', async () => {
    const instance = start();
    const guardian = await leadingWithGuardian(instance);
    instance.send({ spawn: true });
    const { pid } = await instance.waitForEvent('spawned');
    await instance.kill();
    await expectNothingLeft(guardian);
    process.kill(pid as number, 'SIGKILL');
  });

  it('as a worker of a cluster, killed', async () => {
    const primary = new ProcessInstance(
      path.join(ROOT, 'test/support/cluster.main.mjs'),
      {
        args: [MAIN],
        env: {
          OPTIONS: JSON.stringify({
            connectionString: server.connectionString,
            basePath: (basePath = '/cluster'),
            sessionTimeoutMs: SESSION_TIMEOUT_MS,
          }),
        },
      },
    );
    const { pid } = await primary.waitForEvent('worker');
    await primary.waitForEvent('leading');
    const guardianPid = primary
      .descendants()
      .find((one) => processEntry(one)?.parentPid === pid);
    const guardian = processEntry(guardianPid as number) as ProcessEntry;
    process.kill(pid as number, 'SIGKILL');
    await expectNothingLeft(guardian);
  });

  it('as a group, by a signal that the guardian survives until the application is gone', async () => {
    const instance = start();
    const guardian = await leadingWithGuardian(instance);
    process.kill(guardian.pid, 'SIGTERM');
    process.kill(guardian.pid, 'SIGINT');
    process.kill(guardian.pid, 'SIGHUP');
    instance.send({ exit: 'close' });
    expect((await instance.exited).code).toBe(0);
    await expectNothingLeft(guardian);
  });
});

describe('in a container, where the end of PID 1 is the end of all', () => {
  it.each(['exit', 'throw', 'reject'])(
    'the session is closed before, by %s',
    async (exit) => {
      testNumber += 1;
      basePath = `/container-${testNumber}`;
      // unshare is not a node script: a node process that starts it and waits.
      const instance = new ProcessInstance(
        path.join(ROOT, 'test/support/container.main.mjs'),
        {
          args: [MAIN],
          env: {
            OPTIONS: JSON.stringify({
              connectionString: server.connectionString,
              basePath,
              sessionTimeoutMs: SESSION_TIMEOUT_MS,
            }),
            EXIT_WHEN_LEADING: exit,
          },
        },
      );
      const { code } = await instance.exited;
      // Only root may make namespaces; continuous integration is.
      expect(code === 77 && process.getuid?.() === 0).toBe(false);
      if (code === 77) {
        return;
      }
      const client = await WireClient.connect({
        port: server.port,
        timeoutMs: 4_000,
      });
      const tree = await client.tree(basePath);
      await client.close();
      expect(tree.length).toBeGreaterThan(2);
      expect(
        tree.filter(({ stat }) => BigInt(`0x${stat.ephemeralOwner}`) !== 0n),
      ).toEqual([]);
    },
  );
});

describe('a guardian that cannot work', () => {
  let directory: string;

  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('is logged, and the instance leads all the same', async () => {
    // A copy of the build that lacks its file.
    directory = await mkdtemp(path.join(tmpdir(), 'no-guardian-'));
    for (const name of [
      'dist',
      'test/support/block-event-loop.mjs',
      'test/support/instance.main.mjs',
      'test/support/secure-options.mjs',
      'package.json',
    ]) {
      await cp(path.join(ROOT, name), path.join(directory, name), {
        recursive: true,
      });
    }
    await symlink(
      path.join(ROOT, 'node_modules'),
      path.join(directory, 'node_modules'),
    );
    await rm(path.join(directory, 'dist/cjs/guardian/guardian.main.js'));
    testNumber += 1;
    const instance = new ProcessInstance(
      path.join(directory, 'test/support/instance.main.mjs'),
      {
        env: {
          OPTIONS: JSON.stringify({
            connectionString: server.connectionString,
            basePath: `/orphan-${testNumber}`,
          }),
        },
      },
    );
    await instance.waitForEvent('leading');
    const told =
      /The guardian .*guardian\.main\.js does not exist\. Install .* again/;
    expect(await instance.waitForLine(told)).toMatch(told);
  });
});
