import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { canMakeContainers } from '../../support/containers.js';
import { GuardedProcess } from '../../support/guarded-process.js';
import { ProcessInstance } from '../../support/process-instance.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient } from '../../support/wire-client.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const BELOW_RUN = ['run', '--'];

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

  const start = (
    options: {
      isContained?: boolean;
      env?: Record<string, string>;
      execArgv?: readonly string[];
    } = {},
  ) =>
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
    await application.expectNodeGone({ timeoutMs: 2_000 });
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
