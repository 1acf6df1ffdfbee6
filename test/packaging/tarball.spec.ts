import { beforeAll, describe, expect, it } from '@jest/globals';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { extractCode } from '../../scripts/support/extract-code.mjs';
import { waitFor } from '../support/wait-for.js';
import {
  ConsumerApplication,
  pack,
  type RunningApplication,
} from './consumer-application.js';
import {
  expectLeaderTaskAndCleanExit,
  untilItSays,
} from './expect-clean-run.js';
import { expectSessionAfterKill, type GuardianForm } from './guardian-forms.js';
import { INSTALL_TIMEOUT_MS, usePackedLibrary } from './use-packed-library.js';

const README = new URL('../../README.md', import.meta.url);

/** Without the HTTP server that the fixtures have not got. */
const MAIN = `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

void NestFactory.createApplicationContext(AppModule);
`;

/** What an application need not have. */
const OPTIONAL = [
  '@nestjs/terminus',
  'prom-client',
  '@nestjs/platform-express',
  '@nestjs/platform-fastify',
];

const library = usePackedLibrary('consumers');

describe('the packed library', () => {
  let nest12: ConsumerApplication;
  let nest11: ConsumerApplication;

  beforeAll(async () => {
    const source = { into: library.directory, tarball: library.tarball };
    [nest12, nest11] = await Promise.all([
      ConsumerApplication.install('nest12-esm', source),
      ConsumerApplication.install('nest11-cjs', source),
    ]);
  }, INSTALL_TIMEOUT_MS);

  function start(
    application: ConsumerApplication,
    nodeOptions?: string[],
  ): RunningApplication {
    const { connectionString } = library.server;
    return library.track(application.start(connectionString, nodeOptions));
  }

  it('holds the two builds and what npm shows, and is small', async () => {
    const { files, size, unpackedSize } = await pack(library.directory);
    const places = new Set(
      files.map(({ path: name }) => name.split('/').slice(0, 2).join('/')),
    );
    expect([...places].toSorted()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'dist/cjs',
      'dist/esm',
      'package.json',
      'schematics/collection.json',
      'schematics/nest-add.cjs',
    ]);
    expect(files.filter(({ path: name }) => /spec|\.map$/.test(name))).toEqual(
      [],
    );
    // The client, its guardian and the testing server are in it, twice; there is
    // no dependency to compile beside it.
    expect(size).toBeLessThan(640_000);
    expect(unpackedSize).toBeLessThan(3_300_000);
  });

  it('serves a Nest 12 application in ES modules', async () => {
    const running = start(nest12);
    await expectLeaderTaskAndCleanExit(running, 'dist/esm');
  });

  it('needs no terminus, no prom-client and no HTTP adapter, but says which is missing', async () => {
    expect(OPTIONAL.filter((name) => nest12.has(name))).toEqual([]);
    const load = (subPath: string): Promise<string> =>
      nest12.evaluate(
        `console.log(Object.keys(await import('nestjs-zookeeper-leader${subPath}')).length > 0)`,
      );
    expect(await load('')).toBe('true');
    // Its controllers are for whatever adapter there is.
    expect(await load('/dashboard')).toBe('true');
    await expect(load('/health')).rejects.toThrow("'@nestjs/terminus'");
    await expect(load('/metrics')).rejects.toThrow("'prom-client'");
  });

  it('brings the page of the dashboard, and the command line', async () => {
    const help = await nest12.evaluate(`
      import { execFileSync } from 'node:child_process';
      console.log(String(execFileSync('node_modules/.bin/nestjs-zookeeper-leader', ['--help'])));
    `);
    expect(help).toContain('history');
    const page = await nest12.evaluate(`
      const { dashboardPage } = await import('./node_modules/nestjs-zookeeper-leader/dist/esm/dashboard/dashboard-page.js');
      console.log(dashboardPage().html.includes('EventSource'));
    `);
    expect(page).toBe('true');
  });

  describe.each([
    ['Nest 12 in ES modules', 'esm' as const, () => nest12],
    ['Nest 11 in CommonJS', 'cjs' as const, () => nest11],
  ])('with %s', (_title, build, application) => {
    it.each<[GuardianForm, string]>([
      ['child', 'is closed at once by the guardian'],
      ['run', 'is closed at once below "run"'],
      ['sidecar', 'is closed at once by the guardian of a sidecar'],
      ['false', 'is left to its timeout with "guardian: false"'],
    ])(
      'the session of a killed leader (%s) %s',
      async (form) => {
        await expectSessionAfterKill(
          application(),
          library.server,
          form,
          build,
        );
      },
      60_000,
    );
  });

  it('serves a Nest 11 application in CommonJS', async () => {
    const running = start(nest11);
    await expectLeaderTaskAndCleanExit(running, 'dist/esm');
  });

  it('serves a Nest 11 application that cannot require ES modules', async () => {
    // As in jest, which has no require() of ES modules: the second build.
    const options = ['--no-experimental-require-module'];
    const running = start(nest11, options);
    await expectLeaderTaskAndCleanExit(running, 'dist/cjs');
  });

  it('does what the quick start of the README shows', async () => {
    const [quickStart = ''] = extractCode(await readFile(README, 'utf8'));
    const folder = path.join(nest11.directory, 'src/quick-start');
    await mkdir(folder);
    await writeFile(path.join(folder, 'app.module.ts'), quickStart);
    await writeFile(path.join(folder, 'main.ts'), MAIN);
    await nest11.runNode(['node_modules/typescript/bin/tsc']);

    const { connectionString } = library.server;
    const startOne = (): RunningApplication =>
      library.start(
        nest11.directory,
        process.execPath,
        ['dist/quick-start/main.js'],
        { ZOOKEEPER_CONNECTION_STRING: connectionString },
      );
    const instances = [startOne(), startOne()];
    await waitFor(
      () =>
        instances.some(({ output }) => output.includes('sent by this')) &&
        instances.some(({ output }) => output.includes('follows in the')),
      { description: 'one to run the job', timeoutMs: 40_000 },
    );
    const [leader] = instances.filter(({ output }) =>
      output.includes('sent by this'),
    );
    const follower = instances.find((instance) => instance !== leader);
    expect(follower?.output).not.toMatch('sent by this');
    await leader?.kill();
    await untilItSays(follower as RunningApplication, 'sent by this', 40_000);
  }, 120_000);
});
