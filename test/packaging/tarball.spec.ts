import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { waitFor } from '../support/wait-for.js';
import { ZookeeperServer } from '../support/zookeeper-server.js';
import {
  ConsumerApplication,
  packLibrary,
  type RunningApplication,
} from './consumer-application.js';

const INSTALL_TIMEOUT_MS = 300_000;

describe('the packed library', () => {
  let directory: string;
  let server: ZookeeperServer;
  let nest12: ConsumerApplication;
  let nest11: ConsumerApplication;
  let running: RunningApplication | undefined;

  beforeAll(async () => {
    directory = await realpath(
      await mkdtemp(path.join(tmpdir(), 'zookeeper-leader-consumers-')),
    );
    const tarball = await packLibrary(directory);
    const source = { into: directory, tarball };
    [server, nest12, nest11] = await Promise.all([
      ZookeeperServer.start(),
      ConsumerApplication.install('nest12-esm', source),
      ConsumerApplication.install('nest11-cjs', source),
    ]);
  }, INSTALL_TIMEOUT_MS);

  afterEach(async () => {
    await running?.kill();
    running = undefined;
  });

  afterAll(async () => {
    await server?.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('serves a Nest 12 application in ES modules', async () => {
    running = nest12.start(server.connectionString);
    await expectLeaderTaskAndCleanExit(running, 'dist/esm');
  });

  it('serves a Nest 11 application in CommonJS', async () => {
    running = nest11.start(server.connectionString);
    await expectLeaderTaskAndCleanExit(running, 'dist/esm');
  });

  it('serves a Nest 11 application that cannot require ES modules', async () => {
    // As in jest, which has no require() of ES modules: the second build.
    const options = ['--no-experimental-require-module'];
    running = nest11.start(server.connectionString, options);
    await expectLeaderTaskAndCleanExit(running, 'dist/cjs');
  });
});

/** The application elects itself, runs its task and leaves nothing behind. */
async function expectLeaderTaskAndCleanExit(
  application: RunningApplication,
  build: string,
): Promise<void> {
  await Promise.race([
    waitFor(() => application.output.includes('task ran, leading: true'), {
      description: 'the leader task to run',
      timeoutMs: 20_000,
    }),
    application.exitCode.then((code) => {
      throw new Error(`Exited with ${code}: ${application.output}`);
    }),
  ]);
  expect(application.output).toMatch(`/nestjs-zookeeper-leader/${build}/index`);
  // The application and its session keeper.
  expect(await application.processes()).toHaveLength(2);

  application.requestClose();
  const exitCode = await application.exitCode;
  expect({ exitCode, output: application.output }).toEqual({
    exitCode: 0,
    output: expect.not.stringMatching(/error/i),
  });
  await waitFor(async () => (await application.processes()).length === 0, {
    description: 'the processes of the application to end',
  });
}
