import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import {
  encode,
  PROTOCOL_VERSION,
} from '../../../lib/guardian/channel/protocol.js';
import { ownIdentity } from '../../../lib/guardian/process-identity.js';
import { ProcessInstance } from '../../support/process-instance.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient } from '../../support/wire-client.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';
import { GuardedProcess, runs } from '../../support/guarded-process.js';

const GUARDIAN = fileURLToPath(
  new URL('../../../dist/cjs/guardian/guardian.main.js', import.meta.url),
);

/** Sooner than the server can end a session of 4 s, of which it has heard last. */
const AT_ONCE_MS = 2_500;

describe('a guardian beside its application', () => {
  let server: ZookeeperServer;
  let proxy: TcpProxy;
  let observer: WireClient;

  beforeAll(async () => {
    server = await ZookeeperServer.start({
      tickTimeMs: 200,
      maxSessionTimeoutMs: 4_000,
    });
    proxy = await TcpProxy.start({ targetPort: server.port });
    observer = await WireClient.connect({ port: server.port });
  });

  afterEach(async () => {
    await ProcessInstance.closeAll();
    await proxy.heal();
    // A guardian may still be closing the session of its application.
    await waitFor(() => proxy.openConnections === 0);
    proxy.forgetFrames();
  });

  afterAll(async () => {
    observer?.destroy();
    proxy?.close();
    await server?.close();
  });

  const start = (options: { timeoutMs?: number; maxStallMs?: number } = {}) =>
    GuardedProcess.start({ port: proxy.port, observer, ...options });

  it('closes the session at once when the application is killed, and ends itself', async () => {
    const application = await start({ timeoutMs: 4_000 });
    const guardian = await application.guardianPid();
    await application.process.kill();
    await application.expectNodeGone({ timeoutMs: AT_ONCE_MS });
    await waitFor(() => !runs(guardian));
    expect(proxy.requests('closeSession')).toHaveLength(1);
  });

  it.each(['exit', 'throw', 'abort'])(
    'has the session closed when the application ends by %s',
    async (how) => {
      const application = await start({ timeoutMs: 4_000 });
      application.process.send({ do: how });
      await application.expectNodeGone({ timeoutMs: AT_ONCE_MS });
      await waitFor(() => application.process.survivors().length === 0);
    },
  );

  it('keeps the session through a stall of several timeouts, and lets go when the application is back', async () => {
    const application = await start({ timeoutMs: 2_400, maxStallMs: 20_000 });
    const first = await application.process.waitForEvent('guarded');
    const connections = proxy.replies('connect').length;
    application.process.send({ blockMs: 6_000 });
    await application.process.waitForEvent('unblocked');
    await waitFor(() => application.guardedEvents().length > 1);
    expect(application.guardedEvents().at(-1)).toMatchObject({
      sessionId: first.sessionId,
      isNew: false,
      isGuarded: true,
    });
    expect(await observer.exists(application.path)).toBeDefined();
    // One of the guardian, one of the application that has come back.
    expect(proxy.replies('connect').length).toBe(connections + 2);
    await waitFor(() => proxy.openConnections === 1);
    expect(proxy.requests('closeSession')).toHaveLength(0);
  });

  it('goes by the session timeout that the server has granted, and asks for that one', async () => {
    const application = await start({
      timeoutMs: 60_000,
      maxStallMs: 30_000,
    });
    const { timeoutMs, sessionId } =
      await application.process.waitForEvent('guarded');
    expect(timeoutMs).toBe(4_000);
    const connects = proxy.requests('connect').length;
    const pausedAtMs = performance.now();
    await application.process.pause();
    // Longer than granted, and much shorter than what was asked for.
    await waitFor(() => performance.now() - pausedAtMs > 6_000);
    expect(await observer.exists(application.path)).toBeDefined();
    expect(proxy.requests('connect').slice(connects)).toMatchObject([
      { timeoutMs, sessionId },
    ]);
  });

  it('attaches again when its connection is cut during a stall, and the session goes on', async () => {
    const application = await start({ timeoutMs: 2_000, maxStallMs: 30_000 });
    const [before] = application.guardedEvents();
    const pausedAtMs = performance.now();
    await application.process.pause();
    for (let cuts = 0; cuts < 3; cuts++) {
      const connections = proxy.replies('connect').length;
      await waitFor(() => proxy.replies('connect').length > connections);
      proxy.cut();
    }
    // Far beyond the timeout: somebody must have kept the session.
    await waitFor(() => performance.now() - pausedAtMs > 4_000);
    expect(await observer.exists(application.path)).toBeDefined();
    application.process.resume();
    await application.process.waitForEvent(
      'guarded',
      ({ isNew }) => isNew === false,
    );
    expect(application.guardedEvents().at(-1)?.sessionId).toBe(
      before?.sessionId,
    );
    await waitFor(() => proxy.openConnections === 1);
    expect(proxy.requests('closeSession')).toHaveLength(0);
  });

  it('hangs up when the stall goes on for too long: the server ends the session, and nobody closes it', async () => {
    const application = await start({ timeoutMs: 1_000, maxStallMs: 3_000 });
    const stalledAtMs = performance.now();
    application.process.send({ blockMs: 8_000 });
    await application.expectNodeGone({ timeoutMs: 7_000 });
    const keptMs = performance.now() - stalledAtMs;
    // Longer than without a guardian, and not longer than the server rounds.
    expect(keptMs).toBeGreaterThan(1_800);
    expect(keptMs).toBeLessThan(6_000);
    expect(proxy.requests('closeSession')).toHaveLength(0);
    expect(await application.guardianPid()).toBeGreaterThan(0);
  });

  it('does not attach when both have been paused, whichever goes on first', async () => {
    const application = await start({ timeoutMs: 4_000, maxStallMs: 20_000 });
    const guardian = await application.guardianPid();
    const connections = proxy.replies('connect').length;
    for (const first of ['guardian', 'application']) {
      process.kill(guardian, 'SIGSTOP');
      await application.process.pause();
      // Shorter than the session timeout, longer than what it attaches after.
      await pause(2_800);
      const resume = [
        () => process.kill(guardian, 'SIGCONT'),
        () => application.process.resume(),
      ];
      if (first === 'application') {
        resume.reverse();
      }
      resume[0]?.();
      await pause(60);
      resume[1]?.();
      await application.heartbeats(3);
    }
    expect(proxy.replies('connect').length).toBe(connections);
  });

  it('is replaced when it is killed, and the next one has the session at once', async () => {
    const application = await start({ timeoutMs: 4_000 });
    const first = await application.guardianPid();
    process.kill(first, 'SIGKILL');
    const second = await waitFor(async () => {
      const pid = await application.guardianPid();
      return pid !== first && pid;
    });
    await application.process.waitForEvent('notice', ({ text }) =>
      /works again/.test(String(text)),
    );
    expect(runs(second)).toBe(true);
    await application.process.kill();
    await application.expectNodeGone({ timeoutMs: AT_ONCE_MS });
  });

  it('is replaced when it is stopped, long before the channel to it is full or after', async () => {
    const application = await start({ timeoutMs: 2_400 });
    const first = await application.guardianPid();
    process.kill(first, 'SIGSTOP');
    await application.process.waitForEvent('notice', ({ text }) =>
      /did not answer/.test(String(text)),
    );
    await waitFor(() => !runs(first));
    await application.process.waitForEvent('notice', ({ text }) =>
      /works again/.test(String(text)),
    );
    // The application has neither lost its session nor its connection.
    expect(
      application.process.events.filter(({ type }) => type === 'disconnected'),
    ).toHaveLength(0);
    await application.process.kill();
    await application.expectNodeGone({ timeoutMs: 1_500 });
  });

  it('lets the session end when the application is back but cut off from the servers', async () => {
    const application = await start({ timeoutMs: 1_000, maxStallMs: 60_000 });
    const connections = proxy.replies('connect').length;
    await application.process.pause();
    await waitFor(() => proxy.replies('connect').length > connections);
    application.process.send({ do: 'silence' });
    application.process.resume();
    await application.expectNodeGone({ timeoutMs: 4_000 });
    expect(proxy.requests('closeSession')).toHaveLength(0);
    expect(application.process.running).toBe(true);
  });

  it('attaches alone after one before it was replaced', async () => {
    // A stall of this process of half of it makes a guardian attach, too.
    const application = await start({ timeoutMs: 2_400 });
    process.kill(await application.guardianPid(), 'SIGKILL');
    await application.process.waitForEvent('notice', ({ text }) =>
      /works again/.test(String(text)),
    );
    const connections = proxy.replies('connect').length;
    application.process.send({ blockMs: 4_500 });
    await application.process.waitForEvent('unblocked');
    await application.heartbeats(2);
    expect(proxy.replies('connect').length).toBe(connections + 2);
  });

  it('goes without closing anything when its channel ends and its parent lives', async () => {
    const session = await WireClient.connect({
      port: proxy.port,
      timeoutMs: 2_000,
    });
    const guardian = spawn(process.execPath, [GUARDIAN], {
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    });
    const channel = guardian.stdio[3] as Duplex;
    const exited = once(guardian, 'exit');
    channel.resume();
    channel.write(
      encode({
        type: 'hello',
        version: PROTOCOL_VERSION,
        application: ownIdentity(),
      }),
    );
    const address = { host: '127.0.0.1', port: proxy.port };
    channel.end(
      encode({
        type: 'guard',
        number: 1,
        maxStallMs: 30_000,
        session: {
          servers: [address],
          server: { ...address, address: address.host },
          sessionId: session.sessionId,
          password: session.password,
          sessionTimeoutMs: session.timeoutMs,
          security: { auth: [] },
        },
      }),
    );
    expect(await exited).toEqual([0, null]);
    expect(proxy.requests('closeSession')).toHaveLength(0);
    expect(await session.exists('/')).toBeDefined();
    expect(proxy.replies('connect')).toHaveLength(1);
    session.destroy();
  });

  it('goes with the application that stops, and leaves a released session alone', async () => {
    const application = await start({ timeoutMs: 4_000 });
    application.process.send({ do: 'release' });
    await application.process.waitForEvent('released');
    application.process.send({ do: 'stop' });
    await application.process.waitForEvent('stopped');
    expect(application.process.descendants()).toEqual([]);
    expect(proxy.requests('closeSession')).toHaveLength(0);
  });

  it('closes the session of an application that stops without having been able to', async () => {
    const application = await start({ timeoutMs: 4_000 });
    application.process.send({ do: 'stop' });
    await application.process.waitForEvent('stopped');
    await application.expectNodeGone({ timeoutMs: AT_ONCE_MS });
    await waitFor(() => application.process.descendants().length === 0);
  });

  it('gets nothing of the application into its arguments or environment', async () => {
    const application = await start({ timeoutMs: 4_000 });
    const guardian = await application.guardianPid();
    const session = await application.process.waitForEvent('guarded');
    const shown = ['cmdline', 'environ']
      .map((file) => readFileSync(`/proc/${guardian}/${file}`, 'latin1'))
      .join();
    expect(shown).not.toContain(String(session.sessionId));
    expect(shown).not.toContain('OPTIONS');
  });
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
