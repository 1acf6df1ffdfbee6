import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
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

async function leadingWithKeeper(
  instance: ProcessInstance,
): Promise<ProcessEntry> {
  await instance.waitForEvent('leading');
  const [pid] = instance.descendants();
  return processEntry(pid as number) as ProcessEntry;
}

/** The session is closed, not left to its timeout, and no keeper stays. */
async function expectNothingLeft(keeper: ProcessEntry): Promise<void> {
  await waitFor(() => !isRunning(keeper), { description: 'the keeper to go' });
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

describe('when the application ends, its session and its keeper end', () => {
  it.each(['exit', 'throw', 'reject', 'close'])('by %s', async (exit) => {
    const instance = start();
    const keeper = await leadingWithKeeper(instance);
    instance.send({ exit });
    await instance.exited;
    await expectNothingLeft(keeper);
  });

  it('by kill -9', async () => {
    const instance = start();
    const keeper = await leadingWithKeeper(instance);
    await instance.kill();
    await expectNothingLeft(keeper);
  });

  it('by SIGTERM without shutdown hooks', async () => {
    const instance = start();
    const keeper = await leadingWithKeeper(instance);
    await instance.terminate();
    await expectNothingLeft(keeper);
  });

  it('under the inspector, whose options the keeper does not inherit', async () => {
    const instance = start({ env: { NODE_OPTIONS: '--inspect=127.0.0.1:0' } });
    const keeper = await leadingWithKeeper(instance);
    await instance.kill();
    await expectNothingLeft(keeper);
  });

  it('although a child process that it has started lives on', async () => {
    const instance = start();
    const keeper = await leadingWithKeeper(instance);
    instance.send({ spawn: true });
    const { pid } = await instance.waitForEvent('spawned');
    await instance.kill();
    await expectNothingLeft(keeper);
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
    const keeperPid = primary
      .descendants()
      .find((one) => processEntry(one)?.parentPid === pid);
    const keeper = processEntry(keeperPid as number) as ProcessEntry;
    process.kill(pid as number, 'SIGKILL');
    await expectNothingLeft(keeper);
  });

  it('as a group, by a signal that the keeper survives until the application is gone', async () => {
    const instance = start();
    const keeper = await leadingWithKeeper(instance);
    process.kill(keeper.pid, 'SIGTERM');
    process.kill(keeper.pid, 'SIGINT');
    process.kill(keeper.pid, 'SIGHUP');
    instance.send({ exit: 'close' });
    expect((await instance.exited).code).toBe(0);
    await expectNothingLeft(keeper);
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

describe('a keeper that cannot work', () => {
  const directories: string[] = [];

  afterAll(async () => {
    for (const directory of directories) {
      await rm(directory, { recursive: true, force: true });
    }
  });

  /** Starts an instance from a copy of the build that lacks something. */
  async function startBroken(
    breakIt: (directory: string) => Promise<void>,
  ): Promise<ProcessInstance> {
    const directory = await mkdtemp(path.join(tmpdir(), 'broken-keeper-'));
    directories.push(directory);
    const copy = (name: string): Promise<void> =>
      cp(path.join(ROOT, name), path.join(directory, name), {
        recursive: true,
      });
    await copy('dist');
    await copy('test/support/instance.main.mjs');
    await copy('package.json');
    await mkdir(path.join(directory, 'node_modules'));
    for (const name of ['@nestjs', 'rxjs', 'reflect-metadata', 'zookeeper']) {
      await symlink(
        path.join(ROOT, 'node_modules', name),
        path.join(directory, 'node_modules', name),
      );
    }
    await breakIt(directory);
    return new ProcessInstance(
      path.join(directory, 'test/support/instance.main.mjs'),
      {
        env: {
          OPTIONS: JSON.stringify({
            connectionString: server.connectionString,
          }),
        },
      },
    );
  }

  it.each<[string, (directory: string) => Promise<void>, RegExp]>([
    [
      'its native client is not installed',
      (directory) => rm(path.join(directory, 'node_modules/zookeeper')),
      /The session keeper cannot start: the npm package "zookeeper" is not installed.*apt-get install -y python3 make g\+\+/s,
    ],
    [
      'its native client was not compiled',
      async (directory) => {
        const link = path.join(directory, 'node_modules/zookeeper');
        await rm(link);
        await cp(
          path.join(ROOT, 'node_modules/zookeeper/lib'),
          path.join(link, 'lib'),
          { recursive: true },
        );
        await cp(
          path.join(ROOT, 'node_modules/zookeeper/package.json'),
          path.join(link, 'package.json'),
        );
        for (const name of ['node-gyp-build', 'async']) {
          await symlink(
            path.join(ROOT, 'node_modules', name),
            path.join(directory, 'node_modules', name),
          );
        }
      },
      /The session keeper cannot start: the native part.*was not compiled.*npm rebuild zookeeper/s,
    ],
    [
      'its own file is missing',
      (directory) =>
        rm(path.join(directory, 'dist/cjs/zookeeper/keeper/keeper.main.js')),
      /The session keeper cannot start: its file .*keeper\.main\.js does not exist\. Install .* again .*bundle/s,
    ],
  ])(
    'fails the start when %s, and is not tried for ever',
    async (_what, breakIt, message) => {
      const instance = await startBroken(breakIt);
      expect((await instance.exited).code).toBe(1);
      expect(instance.stderr).toMatch(message);
    },
  );
});
