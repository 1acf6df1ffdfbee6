import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
} from '@jest/globals';
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SELF_FENCE_MS } from '../../../lib/guardian/application/self-fence.js';
import { canMakeContainers } from '../../support/containers.js';
import {
  GuardedProcess,
  type GuardedProcessOptions,
} from '../../support/guarded-process.js';
import { ProcessInstance } from '../../support/process-instance.js';
import { CLI } from '../../support/run-cli.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { UnixProxy } from '../../support/unix-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient } from '../../support/wire-client.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const SESSION_TIMEOUT_MS = 6_000;
/** Sooner than the server can end a session, of which it has heard last. */
const AT_ONCE_MS = 3_500;
const MOST_TRIES = 5;

type StartOptions = Partial<GuardedProcessOptions> & { at?: string };

const describeContained = canMakeContainers() ? describe : describe.skip;

describe('a guardian in a sidecar', () => {
  let server: ZookeeperServer;
  let observer: WireClient;
  let folder: string;
  let socket: string;
  let sidecar: ProcessInstance;

  const startSidecar = async (): Promise<void> => {
    sidecar = new ProcessInstance(CLI, {
      args: ['guardian', '--listen', socket],
    });
    await sidecar.waitForLine(/listens at/);
  };
  const start = (options: StartOptions = {}) => {
    const { at = socket, ...rest } = options;
    return GuardedProcess.start({
      port: server.port,
      observer,
      timeoutMs: SESSION_TIMEOUT_MS,
      guardian: { socket: at },
      ...rest,
    });
  };
  const notice = (application: GuardedProcess, pattern: RegExp) =>
    application.process.waitForEvent('notice', ({ text }) =>
      pattern.test(String(text)),
    );

  beforeAll(async () => {
    server = await ZookeeperServer.start({ tickTimeMs: 200 });
    observer = await WireClient.connect({ port: server.port });
  });

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'sidecar-'));
    socket = path.join(folder, 'guardian.sock');
    await startSidecar();
  });

  afterEach(async () => {
    await ProcessInstance.closeAll();
    rmSync(folder, { recursive: true, force: true });
  });

  afterAll(async () => {
    observer?.destroy();
    await server?.close();
  });

  it('closes at once the session of an application whose process it can see, and no other', async () => {
    const [first, second] = await Promise.all([start(), start()]);
    expect(first.process.descendants()).toEqual([]);
    await first.process.kill();
    await first.expectNodeGone({ timeoutMs: AT_ONCE_MS });
    await second.heartbeats(2);
    expect(await observer.exists(second.path)).toBeDefined();
  });

  it('leaves alone the session of an application that has let go of the connection', async () => {
    const proxied = path.join(folder, 'proxied.sock');
    const proxy = await UnixProxy.start(proxied, socket);
    const application = await start({ at: proxied, timeoutMs: 1_000 });
    proxy.hold();
    proxy.cut();
    await application.heartbeats(12);
    expect(await observer.exists(application.path)).toBeDefined();
    proxy.close();
  });

  it('says when it cannot keep the session of a stalled application, and why', async () => {
    const way = await TcpProxy.start({ targetPort: server.port });
    const application = await start({
      port: way.port,
      timeoutMs: 1_000,
      maxStallMs: 2_500,
    });
    await application.process.pause();
    way.close();
    const line = await sidecar.waitForLine(/Could not keep/);
    const sessionId = String(application.guardedEvents()[0]?.sessionId);
    expect(line).toBe(
      `Could not keep the session 0x${sessionId} ` +
        `of the stalled application ${application.process.pid} (a server refused ` +
        'the connection: nothing listens there). It ends at its timeout.',
    );
    await application.expectNodeGone({ timeoutMs: 10_000 });
    application.process.resume();
  });

  it('keeps the session of a stalled application, and says nothing', async () => {
    const application = await start({ timeoutMs: 2_000 });
    await application.signal('SIGSTOP');
    const stoppedAtMs = performance.now();
    await waitFor(() => performance.now() - stoppedAtMs > 4_500, {
      description: 'a stall of more than two timeouts',
    });
    await application.signal('SIGCONT');
    await application.heartbeats(2);
    expect(await observer.exists(application.path)).toBeDefined();
    expect(sidecar.lines).toHaveLength(1);
  });

  it('costs a warning and a new connection when it is killed', async () => {
    const application = await start();
    await sidecar.kill();
    await notice(application, /guardian .*ECONNREFUSED|closed the connection/);
    await startSidecar();
    await notice(application, /works again/);
    await application.process.kill();
    await application.expectNodeGone({ timeoutMs: AT_ONCE_MS });
  });

  it('goes on for the applications that are left when it is told to end', async () => {
    const application = await start();
    process.kill(sidecar.pid, 'SIGTERM');
    await sidecar.waitForLine(/last of 1 applications/);
    await application.process.kill();
    await application.expectNodeGone({ timeoutMs: AT_ONCE_MS });
    expect(await sidecar.exited).toMatchObject({ code: 0 });
  });

  it('has a socket that nobody else may connect to, and does not take that of another guardian', async () => {
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    const other = new ProcessInstance(CLI, {
      args: ['guardian', '--listen', socket],
    });
    expect(await other.exited).toMatchObject({ code: 2 });
    expect(other.stderr).toContain('another guardian listens');
  });

  it('is not used when others may connect to its socket, or it is of another user', async () => {
    chmodSync(socket, 0o666);
    const first = await start();
    await notice(first, /other users may connect/);
    if (process.getuid?.() === 0) {
      chmodSync(socket, 0o600);
      chownSync(socket, 1234, 1234);
      const second = await start();
      await notice(second, /belongs to the user 1234/);
    }
    expect(statSync(socket).isSocket()).toBe(true);
  });

  describeContained('that cannot see the processes of applications', () => {
    let proxied: string;
    let proxy: UnixProxy;

    beforeEach(async () => {
      proxied = path.join(folder, 'proxied.sock');
      proxy = await UnixProxy.start(proxied, socket);
    });

    afterEach(() => proxy.close());

    const startContained = () => start({ isContained: true, at: proxied });
    const events = (application: GuardedProcess, type: string) =>
      application.process.events.filter((event) => event.type === type);

    it('closes the session of a dead application after a grace', async () => {
      const application = await startContained();
      await application.signal('SIGKILL');
      await application.expectNodeGone({ timeoutMs: AT_ONCE_MS });
    });

    it('keeps the session of an application that connects again in time, which never stops believing in it', async () => {
      let application: GuardedProcess;
      let before: number;
      let tookMs: number;
      let tries = 0;
      do {
        application = await startContained();
        before = application.guardedEvents().length;
        const cutAtMs = performance.now();
        proxy.cut();
        await notice(application, /works again/);
        tookMs = performance.now() - cutAtMs;
        // On a busy machine it may not be in time, and has to stop believing.
      } while (tookMs > SELF_FENCE_MS / 2 && ++tries < MOST_TRIES);
      await application.heartbeats(3);
      expect(await observer.exists(application.path)).toBeDefined();
      expect(events(application, 'untrusted')).toEqual([]);
      expect(application.guardedEvents()).toHaveLength(before);
    });

    it('costs the application its session, which it stops believing in long before that, when it cannot connect again', async () => {
      const application = await startContained();
      proxy.hold();
      const cutAtMs = performance.now();
      proxy.cut();
      await application.process.waitForEvent('untrusted');
      expect(await observer.exists(application.path)).toBeDefined();
      await application.expectNodeGone({ timeoutMs: AT_ONCE_MS });
      expect(performance.now() - cutAtMs).toBeGreaterThan(499);
    });

    it('finds an application that was paused meanwhile without belief in its session, before it has read anything', async () => {
      const application = await startContained();
      await application.signal('SIGSTOP');
      proxy.hold();
      proxy.cut();
      await application.expectNodeGone({ timeoutMs: AT_ONCE_MS });
      await application.signal('SIGCONT');
      const woken = await application.process.waitForEvent('after a pause');
      expect(woken.isTrusted).toBe(false);
      await application.process.waitForEvent('untrusted');
    });

    it('refuses for good a session that it has closed', async () => {
      const application = await startContained();
      await application.signal('SIGSTOP');
      proxy.cut();
      await application.expectNodeGone({ timeoutMs: AT_ONCE_MS });
      await application.signal('SIGCONT');
      await application.process.waitForEvent('untrusted', ({ why }) =>
        /has closed this session/.test(String(why)),
      );
    });

    it('costs nothing when it is hung, because the application leaves the connection open', async () => {
      const application = await startContained();
      await sidecar.pause();
      await notice(application, /does not answer/);
      sidecar.resume();
      await notice(application, /works again/);
      expect(await observer.exists(application.path)).toBeDefined();
      expect(events(application, 'untrusted')).toEqual([]);
    });

    it('is missed, and no more, when it is dead', async () => {
      const application = await start({ isContained: true });
      await sidecar.kill();
      await notice(application, /ECONNREFUSED|closed the connection/);
      await application.heartbeats(3);
      expect(events(application, 'untrusted')).toEqual([]);
      await startSidecar();
      await notice(application, /works again/);
      expect(await observer.exists(application.path)).toBeDefined();
    });
  });

  it('ignores what is not a message', async () => {
    const application = await start();
    const { connect } = await import('node:net');
    for (const text of ['rubbish\n', '{"type":"guard"}\n', '.\n', '{}\n']) {
      const stranger = connect(socket);
      stranger.on('error', () => undefined).write(text);
      stranger.resume();
      if (text !== '.\n') {
        await waitFor(() => stranger.destroyed || text.includes('guard'));
      }
      stranger.destroy();
    }
    await application.heartbeats(2);
    await application.process.kill();
    await application.expectNodeGone({ timeoutMs: AT_ONCE_MS });
  });
});
