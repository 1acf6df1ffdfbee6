import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { GuardedProcess } from '../../support/guarded-process.js';
import { ProcessInstance } from '../../support/process-instance.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient } from '../../support/wire-client.js';
import { ZookeeperEnsemble } from '../../support/zookeeper-ensemble.js';
import type { ZookeeperServer } from '../../support/zookeeper-server.js';

const T = 4_000;

describe('a guardian of an application at one of three servers', () => {
  let ensemble: ZookeeperEnsemble;
  let own: ZookeeperServer;
  let observer: WireClient;

  beforeAll(async () => {
    ensemble = await ZookeeperEnsemble.start({ tickTimeMs: 200 });
    own = (await ensemble.followers())[0] as ZookeeperServer;
    observer = await WireClient.connect({
      port: (await ensemble.leader()).port,
    });
  }, 60_000);

  afterEach(async () => {
    if (own.running) {
      own.resume();
    } else {
      await own.start();
    }
    await ProcessInstance.closeAll();
  });

  afterAll(async () => {
    observer?.destroy();
    await ensemble?.close();
  });

  const start = () =>
    GuardedProcess.start({
      port: own.port,
      servers: ensemble.servers.map(({ port }) => port),
      observer,
      timeoutMs: T,
    });

  it('closes the session at once, at a follower', async () => {
    const application = await start();
    const killedAtMs = performance.now();
    await application.process.kill();
    await application.expectNodeGone({ timeoutMs: T / 2 });
    expect(performance.now() - killedAtMs).toBeLessThan(T / 2);
  });

  it.each(['paused', 'dead'])(
    'closes the session at another server when that of the application is %s',
    async (state) => {
      const application = await start();
      if (state === 'paused') {
        await own.pause();
      } else {
        await own.stop();
      }
      await application.process.kill();
      await application.expectNodeGone({ timeoutMs: T / 2 });
    },
  );

  it('keeps the session at another server while application and server are both paused', async () => {
    const application = await start();
    const [before] = application.guardedEvents();
    await own.pause();
    await application.process.pause();
    const pausedAtMs = performance.now();
    await waitFor(() => performance.now() - pausedAtMs > 1.5 * T);
    own.resume();
    application.process.resume();
    await application.process.waitForEvent(
      'guarded',
      ({ isNew }) => isNew === false,
    );
    expect(application.guardedEvents().at(-1)).toMatchObject({
      sessionId: before?.sessionId,
    });
    expect(await observer.exists(application.path)).toBeDefined();
  });
});
