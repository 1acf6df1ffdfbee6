import { describe, expect, it } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  ConsumerApplication,
  type RunningApplication,
} from '../packaging/consumer-application.js';
import {
  expectLeaderTaskAndCleanExit,
  untilItSays,
} from '../packaging/expect-clean-run.js';
import {
  INSTALL_TIMEOUT_MS,
  usePackedLibrary,
} from '../packaging/use-packed-library.js';
import { waitFor } from '../support/wait-for.js';

const library = usePackedLibrary('compat');

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
      const application = await install(fixture);
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
      const fastify = await install('nest12-fastify');
      const running = start(fastify);
      expect(await get(running)).toEqual([200, 'by the leader']);
      await expectLeaderTaskAndCleanExit(running, 'dist/esm');
    },
    INSTALL_TIMEOUT_MS,
  );

  it(
    'with Express, Nest 11, @nestjs/schedule 12, built by SWC, restarted by "nest start --watch"',
    async () => {
      const watched = await install('nest11-swc-watch', [
        'node_modules/@nestjs/cli/bin/nest.js',
        'build',
      ]);
      const built = start(watched);
      expect(await get(built)).toEqual([200, 'by the leader']);
      await expectLeaderTaskAndCleanExit(built, 'dist/esm');

      const cli = path.join(
        watched.directory,
        'node_modules/@nestjs/cli/bin/nest.js',
      );
      const running = library.track(
        watched.spawn(
          library.server.connectionString,
          process.execPath,
          [cli, 'start', '--watch'],
          { IS_WATCHED: '1' },
        ),
      );
      await untilItSays(running, 'task ran, leading: true', 60_000);
      const before = await running.processes();
      const service = path.join(watched.directory, 'src/report.service.ts');
      const text = await readFile(service, 'utf8');
      await writeFile(service, text.replace('task ran', 'changed task ran'));
      await untilItSays(running, 'changed task ran, leading: true', 60_000);
      // The former application and its guardian are gone: the new one leads.
      await waitFor(
        async () => (await running.processes()).length === before.length,
        { description: 'the former processes to end' },
      );
      running.interrupt();
      await waitFor(async () => (await running.processes()).length === 0, {
        description: 'all processes to end',
      });
    },
    INSTALL_TIMEOUT_MS,
  );
});

function install(
  fixture: string,
  build?: string[],
): Promise<ConsumerApplication> {
  return ConsumerApplication.install(fixture, {
    into: library.directory,
    tarball: library.tarball,
    ...(build && { build }),
  });
}

function start(application: ConsumerApplication): RunningApplication {
  return library.track(application.start(library.server.connectionString));
}

/** Asks an application for what only its leader serves. */
async function get(
  application: RunningApplication,
): Promise<[status: number, text: string]> {
  await untilItSays(application, 'task ran, leading: true', 60_000);
  const [, url] = /listens on (\S+)/.exec(application.output) ?? [];
  const response = await fetch(`${url}/report`);
  return [response.status, await response.text()];
}
