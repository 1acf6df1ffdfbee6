import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { canMakeContainers } from '../../support/containers.js';
import {
  GuardedProcess,
  type GuardedProcessOptions,
} from '../../support/guarded-process.js';
import { ProcessInstance } from '../../support/process-instance.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient } from '../../support/wire-client.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const BELOW_RUN = ['run', '--'];
const file = (path: string): string =>
  fileURLToPath(new URL(`../../../${path}`, import.meta.url));

const describeContained = canMakeContainers() ? describe : describe.skip;

describe('an application below "run"', () => {
  let server: ZookeeperServer;
  let observer: WireClient;

  beforeAll(async () => {
    server = await ZookeeperServer.start({ tickTimeMs: 200 });
    observer = await WireClient.connect({ port: server.port });
  });

  afterEach(() => ProcessInstance.closeAll());

  afterAll(async () => {
    observer?.destroy();
    await server?.close();
  });

  const start = (options: Partial<GuardedProcessOptions> = {}) =>
    GuardedProcess.start({
      port: server.port,
      observer,
      timeoutMs: 4_000,
      below: BELOW_RUN,
      ...options,
    });

  it('starts no guardian of its own, and does not pass on where that of "run" is', async () => {
    const application = await start();
    const started = await application.process.waitForEvent('started');
    expect(started.run).toBe(false);
    expect(application.process.descendants()).toEqual([
      await application.pid(),
    ]);
  });

  it('has its session closed before "run" ends, and "run" ends by the same signal', async () => {
    const application = await start();
    await application.signal('SIGKILL');
    expect(await application.process.exited).toEqual({
      code: null,
      signal: 'SIGKILL',
    });
    expect(await observer.exists(application.path)).toBeUndefined();
  });

  it('gives "run" its exit code', async () => {
    const application = await start({ env: { ON_SIGNAL: '{"do":"exit"}' } });
    await application.signal('SIGUSR2');
    expect(await application.process.exited).toMatchObject({ code: 3 });
    expect(await observer.exists(application.path)).toBeUndefined();
  });

  it('gets the signals that "run" gets', async () => {
    const application = await start({ env: { ON_SIGNAL: '{"do":"stop"}' } });
    process.kill(application.process.pid, 'SIGUSR2');
    await application.process.waitForEvent('stopped');
    process.kill(application.process.pid, 'SIGTERM');
    expect(await application.process.exited).toMatchObject({
      signal: 'SIGTERM',
    });
  });

  it('starts a guardian of its own when "run" is killed', async () => {
    const application = await start();
    const pid = await application.pid();
    process.kill(application.process.pid, 'SIGKILL');
    await waitFor(() => application.process.survivors().includes(pid));
    await waitFor(
      () =>
        application.process.events.find(({ text }) =>
          /works again/.test(String(text)),
        ),
      { description: 'another guardian' },
    );
    process.kill(pid, 'SIGKILL');
    await application.expectNodeGone({ timeoutMs: 2_500 });
    await waitFor(() => application.process.survivors().length === 0);
  });

  it('keeps its session through a stall', async () => {
    const application = await start({
      env: { ON_SIGNAL: '{"blockMs":9000}' },
    });
    await application.signal('SIGUSR2');
    await application.process.waitForEvent('unblocked', undefined, {
      timeoutMs: 15_000,
    });
    await waitFor(() => application.guardedEvents().length > 1);
    expect(application.guardedEvents().at(-1)).toMatchObject({ isNew: false });
    expect(await observer.exists(application.path)).toBeDefined();
    expect(application.process.stderr).not.toContain('Could not');
  });

  it('has "run" say why its session could not be kept, or not be closed', async () => {
    const way = await TcpProxy.start({ targetPort: server.port });
    const application = await start({
      port: way.port,
      timeoutMs: 1_000,
      maxStallMs: 2_500,
    });
    await application.signal('SIGSTOP');
    way.close();
    const says = (pattern: RegExp) =>
      waitFor(() => pattern.test(application.process.stderr), {
        description: String(pattern),
      });
    await says(/^run: Could not keep the session .*\(a server refused/m);
    await application.signal('SIGKILL');
    await says(/^run: Could not close the session .*\(a server refused/m);
  });

  it('is one of several, as with node:cluster, each of which has its session closed when it dies', async () => {
    const T = 20_000;
    const workers = 3;
    const cluster = new ProcessInstance(file('dist/esm/cli/cli.main.js'), {
      args: [
        ...[...BELOW_RUN, 'node', file('test/support/cluster.main.mjs')],
        ...[file('test/support/instance.main.mjs'), String(workers)],
      ],
      env: {
        OPTIONS: JSON.stringify({
          connectionString: server.connectionString,
          basePath: '/cluster-below-run',
          sessionTimeoutMs: T,
        }),
      },
    });
    const leads = (count: number) =>
      waitFor(
        () =>
          cluster.events.filter(({ type }) => type === 'leading')[count - 1],
        { description: `leader number ${count}`, timeoutMs: T / 2 },
      );
    await waitFor(
      () =>
        cluster.events.filter(({ type }) => type === 'started').length ===
        workers,
      { description: 'all workers', timeoutMs: 30_000 },
    );
    // The primary and its workers: nobody has a guardian of its own.
    expect(cluster.descendants()).toHaveLength(1 + workers);
    const first = await leads(1);
    process.kill(Number(first.pid), 'SIGKILL');
    const second = await leads(2);
    expect(second.pid).not.toBe(first.pid);
    // Without its primary no worker stays, and "run" closes what is left.
    const [primary] = cluster.descendants();
    process.kill(Number(primary), 'SIGKILL');
    await cluster.exited;
    await waitFor(() => cluster.survivors().length === 0);
    await waitFor(
      async () =>
        (await observer.tree('/cluster-below-run')).every(
          ({ stat }) => BigInt(`0x${stat.ephemeralOwner}`) === 0n,
        ),
      { description: 'the end of all sessions', timeoutMs: T / 2 },
    );
  });

  describeContained('in a container', () => {
    it.each<[string, string, readonly string[]]>([
      ['process.exit()', '{"do":"exit"}', []],
      ['an uncaught exception', '{"do":"throw"}', []],
      ['abort()', '{"do":"abort"}', []],
      [
        'the end of its heap',
        '{"do":"heap"}',
        ['--max-old-space-size=60', '--max-semi-space-size=1'],
      ],
    ])(
      'has its session closed before its container ends by %s',
      async (_how, action, execArgv) => {
        const application = await start({
          isContained: true,
          env: { ON_SIGNAL: action },
          execArgv,
        });
        await application.signal('SIGUSR2');
        await application.process.exited;
        await application.expectNodeGone({ timeoutMs: 500 });
      },
    );

    it('needs no shell, no right and no file that it may write to', async () => {
      const application = await start({
        isContained: true,
        env: { BARE_IMAGE: 'yes' },
      });
      expect(processOwner(await application.pid())).toBe(65534);
      await application.signal('SIGKILL');
      expect(await application.process.exited).toMatchObject({ code: 128 + 9 });
      expect(await observer.exists(application.path)).toBeUndefined();
    });

    it('has its session closed below an init process, too', async () => {
      const init = ['tini', 'dumb-init'].find(
        (name) => !spawnSync(name, ['--version']).error,
      );
      if (!init) {
        console.warn('Skipped: neither tini nor dumb-init is installed.');
        return;
      }
      const application = await start({
        isContained: true,
        env: { INIT: init },
      });
      await application.signal('SIGKILL');
      expect(await application.process.exited).toMatchObject({ code: 128 + 9 });
      expect(await observer.exists(application.path)).toBeUndefined();
    });

    it('has its session closed when it is killed in a container, which ends with the code of the signal', async () => {
      const application = await start({ isContained: true });
      await application.signal('SIGKILL');
      expect(await application.process.exited).toEqual({
        code: 128 + 9,
        signal: null,
      });
      expect(await observer.exists(application.path)).toBeUndefined();
    });
  });
});

/** The number of the user that a process runs as. */
function processOwner(pid: number): number {
  return statSync(`/proc/${pid}`).uid;
}
