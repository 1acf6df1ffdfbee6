import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { leadershipOf } from '../../support/process-leadership.js';
import { ProcessInstance } from '../../support/process-instance.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const INSTANCE = fileURLToPath(
  new URL('../../support/instance.main.mjs', import.meta.url),
);
const SESSION_TIMEOUT_MS = 20_000;

let server: ZookeeperServer;
const instances: ProcessInstance[] = [];

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(async () => {
  await Promise.all(instances.splice(0).map((instance) => instance.close()));
});
afterAll(() => server.close());

function start(instanceId: string, base: string): ProcessInstance {
  const options = {
    connectionString: `127.0.0.1:${server.port}`,
    basePath: base,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    instanceId,
  };
  const instance = new ProcessInstance(INSTANCE, {
    env: { OPTIONS: JSON.stringify(options), CLIENT: 'native' },
  });
  instances.push(instance);
  return instance;
}

function said(instance: ProcessInstance, type: string): Promise<unknown> {
  return waitFor(() => instance.events.some((event) => event.type === type), {
    description: `an instance to say "${type}"`,
    timeoutMs: 30_000,
  });
}

it('an application that is killed is followed long before its session would expire', async () => {
  const leader = start('one', '/killed');
  await said(leader, 'leading');
  const follower = start('two', '/killed');
  await said(follower, 'following');
  await leader.kill();
  const killedAtMs = performance.now();
  await said(follower, 'leading');
  expect(performance.now() - killedAtMs).toBeLessThan(SESSION_TIMEOUT_MS / 2);
  expect(leadershipOf([leader, follower]).violations()).toEqual([]);
});

it('an application whose keeper is killed leads on with the same session', async () => {
  const leader = start('one', '/keeper-killed');
  await said(leader, 'leading');
  const [keeper] = leader.descendants();
  process.kill(keeper as number, 'SIGKILL');
  await waitFor(
    () =>
      leader.descendants().length > 0 &&
      !leader.descendants().includes(keeper as number),
    { description: 'another keeper' },
  );
  const follower = start('two', '/keeper-killed');
  await said(follower, 'following');
  expect(leader.events.filter(({ type }) => type === 'lost')).toEqual([]);
});
