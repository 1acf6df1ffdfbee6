import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { GuardedProcess } from '../../support/guarded-process.js';
import { ProcessInstance } from '../../support/process-instance.js';
import { CLI } from '../../support/run-cli.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient } from '../../support/wire-client.js';
import { ZookeeperEnsemble } from '../../support/zookeeper-ensemble.js';
import type { ZookeeperServer } from '../../support/zookeeper-server.js';

const T = 3_000;

/** Among them may be that of an earlier test, whose guardian is slow to close it. */
function sessionsClosedOver(way: TcpProxy): (string | undefined)[] {
  const connects = way.requests('connect');
  return way
    .requests('closeSession')
    .map(
      ({ connection }) =>
        connects.find((connect) => connect.connection === connection)
          ?.sessionId,
    );
}

describe('a guardian of an application at one of three servers', () => {
  let ensemble: ZookeeperEnsemble;
  let own: ZookeeperServer;
  /** The way of application and guardian to their first server. */
  let way: TcpProxy;
  let observer: WireClient;
  let folder: string;

  beforeAll(async () => {
    ensemble = await ZookeeperEnsemble.start({ tickTimeMs: 200 });
    own = (await ensemble.followers())[0] as ZookeeperServer;
    way = await TcpProxy.start({ targetPort: own.port });
    observer = await WireClient.connect({
      port: (await ensemble.leader()).port,
    });
    folder = mkdtempSync(path.join(tmpdir(), 'ensemble-'));
  });

  afterEach(async () => {
    if (own.running) {
      own.resume();
    } else {
      await own.start();
    }
    await ProcessInstance.closeAll();
    await way.heal();
    way.forgetFrames();
  });

  afterAll(async () => {
    observer?.destroy();
    way?.close();
    await ensemble?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  describe.each(['child', 'run', 'sidecar'] as const)(
    'in the form %s',
    (form) => {
      const start = async (): Promise<GuardedProcess> => {
        const socket = path.join(folder, 'guardian.sock');
        if (form === 'sidecar') {
          const sidecar = new ProcessInstance(CLI, {
            args: ['guardian', '--listen', socket],
          });
          await sidecar.waitForLine(/listens at/);
        }
        const others = ensemble.servers.filter((server) => server !== own);
        return GuardedProcess.start({
          port: way.port,
          servers: [way.port, ...others.map(({ port }) => port)],
          observer,
          timeoutMs: T,
          ...(form === 'run' && { below: ['run', '--'] }),
          ...(form === 'sidecar' && { guardian: { socket } }),
        });
      };

      /** Stops it. Resolves when its guardian keeps the session, to when that began. */
      const stall = async (application: GuardedProcess): Promise<number> => {
        const before = way.replies('connect').length;
        await application.signal('SIGSTOP');
        const stalledAtMs = performance.now();
        await waitFor(() => way.replies('connect').length > before);
        return stalledAtMs;
      };

      /** By then, a session that nobody keeps has ended. */
      const untilExpired = (sinceMs: number): Promise<unknown> =>
        waitFor(() => performance.now() - sinceMs > 1.5 * T);

      /** Its session goes on after a stall in which so much has happened. */
      const expectSameSession = async (
        application: GuardedProcess,
      ): Promise<void> => {
        const [before] = application.guardedEvents();
        await application.signal('SIGCONT');
        await application.process.waitForEvent(
          'guarded',
          ({ isNew }) => isNew === false,
        );
        expect(application.guardedEvents().at(-1)).toMatchObject({
          sessionId: before?.sessionId,
        });
        expect(await observer.exists(application.path)).toBeDefined();
      };

      it('closes the session at once, at a follower', async () => {
        const application = await start();
        const [before] = application.guardedEvents();
        await application.signal('SIGKILL');
        await application.expectNodeGone({ timeoutMs: T / 2 });
        expect(sessionsClosedOver(way)).toContain(before?.sessionId);
      });

      it.each<[string, () => unknown]>([
        ['is paused', () => own.pause()],
        ['is dead', () => own.stop()],
        ['is cut off', () => way.drop()],
      ])(
        'closes the session at another server when that of the application %s',
        async (_state, disturb) => {
          const application = await start();
          await disturb();
          await application.signal('SIGKILL');
          await application.expectNodeGone({ timeoutMs: T / 2 });
        },
      );

      it('keeps the session at another server while application and server are both paused', async () => {
        const application = await start();
        await own.pause();
        await application.signal('SIGSTOP');
        const pausedAtMs = performance.now();
        await untilExpired(pausedAtMs);
        own.resume();
        await expectSameSession(application);
      });

      it('keeps the session of a stalled application when its connections are cut, and then its server is cut off', async () => {
        const application = await start();
        const stalledAtMs = await stall(application);
        way.cut();
        way.drop();
        await untilExpired(stalledAtMs);
        expect(await observer.exists(application.path)).toBeDefined();
        await way.heal();
        // What was lost stays lost: the next connection is a whole one.
        way.cut();
        await expectSameSession(application);
        const [before] = application.guardedEvents();
        expect(sessionsClosedOver(way)).not.toContain(before?.sessionId);
      });

      it('keeps the session of a stalled application whose server is killed meanwhile', async () => {
        const application = await start();
        const stalledAtMs = await stall(application);
        await own.stop();
        await untilExpired(stalledAtMs);
        expect(await observer.exists(application.path)).toBeDefined();
        await own.start();
        await expectSameSession(application);
      });
    },
  );
});
