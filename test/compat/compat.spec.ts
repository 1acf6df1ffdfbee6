import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  ConsumerApplication,
  packLibrary,
  type RunningApplication,
} from '../packaging/consumer-application.js';
import {
  expectLeaderTaskAndCleanExit,
  untilItSays,
} from '../packaging/expect-clean-run.js';
import { waitFor } from '../support/wait-for.js';
import { ZookeeperServer } from '../support/zookeeper-server.js';
import { installNode, rebuildClient } from './node-release.js';

const INSTALL_TIMEOUT_MS = 600_000;

let directory: string;
let server: ZookeeperServer;
let source: { into: string; tarball: string };
let running: RunningApplication | undefined;

beforeAll(async () => {
  directory = await realpath(
    await mkdtemp(path.join(tmpdir(), 'zookeeper-leader-compat-')),
  );
  source = { into: directory, tarball: await packLibrary(directory) };
  server = await ZookeeperServer.start();
}, INSTALL_TIMEOUT_MS);

afterEach(async () => {
  await running?.kill();
  running = undefined;
});

afterAll(async () => {
  await server?.close();
  await rm(directory, { recursive: true, force: true });
});

describe('the testing kit serves', () => {
  it.each([
    ['nest11-jest', 'Nest 11, jest in CommonJS, ts-jest'],
    ['nest12-jest-esm', 'Nest 12, jest in ES modules, SWC'],
    ['nest12-vitest', 'Nest 12, vitest with SWC'],
    ['nest12-vitest-esbuild', 'Nest 12, vitest as it comes, with esbuild'],
    ['nest12-node-test', 'Nest 12, node:test'],
  ])(
    '%s: %s',
    async (fixture) => {
      const application = await ConsumerApplication.install(fixture, source);
      const { scripts } = JSON.parse(
        await readFile(
          path.join(application.directory, 'package.json'),
          'utf8',
        ),
      ) as { scripts: { test: string } };
      const script =
        {
          jest: ['node_modules/jest/bin/jest.js'],
          'vitest run': ['node_modules/vitest/vitest.mjs', 'run'],
        }[scripts.test] ?? scripts.test.split(' ').slice(1);
      const output = await application.runNode(script);
      expect(output).toMatch(/Tests:? +5 passed|^(# |ℹ )pass 5$/m);
    },
    INSTALL_TIMEOUT_MS,
  );
});

describe('applications', () => {
  it(
    'with Fastify, Nest 12, ES modules',
    async () => {
      const fastify = await ConsumerApplication.install(
        'nest12-fastify',
        source,
      );
      running = fastify.start(server.connectionString);
      expect(await get(running)).toEqual([200, 'by the leader']);
      await expectLeaderTaskAndCleanExit(running, 'dist/esm');
    },
    INSTALL_TIMEOUT_MS,
  );

  it(
    'with Express, Nest 11, @nestjs/schedule 12, built by SWC, restarted by "nest start --watch"',
    async () => {
      const watched = await ConsumerApplication.install('nest11-swc-watch', {
        ...source,
        build: ['node_modules/@nestjs/cli/bin/nest.js', 'build'],
      });
      running = watched.start(server.connectionString);
      expect(await get(running)).toEqual([200, 'by the leader']);
      await expectLeaderTaskAndCleanExit(running, 'dist/esm');

      const cli = path.join(
        watched.directory,
        'node_modules/@nestjs/cli/bin/nest.js',
      );
      running = watched.spawn(
        server.connectionString,
        process.execPath,
        [cli, 'start', '--watch'],
        { IS_WATCHED: '1' },
      );
      await untilItSays(running, 'task ran, leading: true', 60_000);
      const before = await running.processes();
      const service = path.join(watched.directory, 'src/report.service.ts');
      const text = await readFile(service, 'utf8');
      await writeFile(service, text.replace('task ran', 'changed task ran'));
      await untilItSays(running, 'changed task ran, leading: true', 60_000);
      // The former application and its guardian are gone: the new one leads.
      await waitFor(
        async () => (await running?.processes())?.length === before.length,
        { description: 'the former processes to end' },
      );
      running.interrupt();
      await waitFor(async () => (await running?.processes())?.length === 0, {
        description: 'all processes to end',
      });
    },
    INSTALL_TIMEOUT_MS,
  );
});

describe('versions of Node.js', () => {
  it.each([20, 22, 24])(
    'Node.js %i runs Nest 12 in ES modules and Nest 11 in CommonJS',
    async (major) => {
      const node = await installNode(String(major), directory);
      expect(node.version).toMatch(new RegExp(`^${major}\\.`));
      const into = path.join(directory, `on-node-${major}`);
      for (const fixture of ['nest12-esm', 'nest11-cjs']) {
        const application = await ConsumerApplication.install(fixture, {
          ...source,
          into,
        });
        await rebuildClient(application.directory, node);
        running = application.start(
          server.connectionString,
          [],
          node.executable,
        );
        await expectLeaderTaskAndCleanExit(running, 'dist/esm');
      }
    },
    INSTALL_TIMEOUT_MS,
  );
});

/** Asks an application for what only its leader serves. */
async function get(
  application: RunningApplication,
): Promise<[status: number, text: string]> {
  await untilItSays(application, 'task ran, leading: true', 60_000);
  const [, url] = /listens on (\S+)/.exec(application.output) ?? [];
  const response = await fetch(`${url}/report`);
  return [response.status, await response.text()];
}
