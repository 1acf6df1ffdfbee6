import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import {
  chmod,
  cp,
  mkdir,
  readdir,
  readFile,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { inProject } from '../../scripts/support/project.mjs';
import {
  expectLeaderTaskAndCleanExit,
  untilItSays,
} from '../packaging/expect-clean-run.js';
import {
  INSTALL_TIMEOUT_MS,
  usePackedLibrary,
} from '../packaging/use-packed-library.js';
import { NODES } from './matrix/combinations.js';
import { useRegistry } from './matrix/use-registry.js';
import { installNode } from './node-release.js';

const execute = promisify(execFile);
const library = usePackedLibrary('quick-start');
const registry = useRegistry(library);

/** Nest's own, which asks for donations: applications have it without this library. */
const SCRIPTS_OF_NEST = ['node_modules/@nestjs/core'];

/** A PATH with nothing but Node.js, npm and the shell that npm runs scripts with. */
async function barePath(range: string): Promise<string> {
  const { version, executable } = await installNode(range, library.directory);
  expect(version).toMatch(new RegExp(`^${range}\\.`));
  const npm = await registry.manager('npm');
  const directory = path.join(library.directory, `path-${range}`);
  await mkdir(directory);
  await symlink(executable, path.join(directory, 'node'));
  await symlink('/bin/sh', path.join(directory, 'sh'));
  const program = path.join(directory, 'npm');
  await writeFile(program, `#!/bin/sh\nexec node "${npm}" "$@"\n`);
  await chmod(program, 0o755);
  return directory;
}

/** What an installation without any tool but Node.js can see. */
function environmentOf(PATH: string): NodeJS.ProcessEnv {
  const { HOME, NODE_EXTRA_CA_CERTS } = process.env;
  return { PATH, HOME, NODE_EXTRA_CA_CERTS };
}

async function packagesWithScripts(application: string): Promise<string[]> {
  const { packages } = JSON.parse(
    await readFile(path.join(application, 'package-lock.json'), 'utf8'),
  ) as { packages: Record<string, { hasInstallScript?: boolean }> };
  return Object.keys(packages).filter(
    (name) => packages[name]?.hasInstallScript,
  );
}

async function bytesIn(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true });
  const sizes = await Promise.all(
    names.map(async (name) => {
      const found = await stat(path.join(directory, name));
      return found.isFile() ? found.size : 0;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

describe('with nothing but Node.js and npm, the library is installed and leads on', () => {
  it.each(NODES)(
    'Node.js %s',
    async (range) => {
      const bin = await barePath(range);
      const env = environmentOf(bin);
      for (const tool of ['python3', 'make', 'g++', 'cc', 'java']) {
        await expect(
          execute(tool, ['--version'], { env }),
        ).rejects.toMatchObject({ code: 'ENOENT' });
      }
      for (const fixture of ['nest12-esm', 'nest11-cjs']) {
        const at = path.join(library.directory, `${fixture}-${range}`);
        await cp(inProject('test/fixtures', fixture), at, { recursive: true });
        const startedAt = performance.now();
        // With install scripts: there must be none that needs more.
        await execute(
          path.join(bin, 'npm'),
          ['install', '--no-audit', '--no-fund', library.tarball],
          { cwd: at, env },
        );
        const seconds = (performance.now() - startedAt) / 1000;
        expect(
          (await packagesWithScripts(at)).filter(
            (name) => !SCRIPTS_OF_NEST.includes(name),
          ),
        ).toEqual([]);
        const modules = path.join(at, 'node_modules');
        const own = await Promise.all(
          ['nestjs-zookeeper-leader', 'commander'].map((name) =>
            bytesIn(path.join(modules, name)),
          ),
        );
        const all = await bytesIn(modules);

        const node = path.join(bin, 'node');
        await execute(node, ['node_modules/typescript/bin/tsc'], {
          cwd: at,
          env,
        });
        const application = library.start(at, node, ['dist/main.js'], {
          PATH: bin,
          CONNECTION_STRING: library.server.connectionString,
        });
        const launchedAt = performance.now();
        await untilItSays(application, /leads the election/, 60_000);
        const leadsMs = performance.now() - launchedAt;
        await expectLeaderTaskAndCleanExit(application, 'dist/esm');
        process.stdout.write(
          `Node.js ${range}, ${fixture}: installed in ${seconds.toFixed(1)} s, ` +
            `node_modules ${(all / 1e6).toFixed(1)} MB, of these ` +
            `${own.map((each) => (each / 1e6).toFixed(2)).join(' + ')} MB ` +
            `for the library and its dependency; leads after ${leadsMs.toFixed(0)} ms\n`,
        );
      }
    },
    INSTALL_TIMEOUT_MS,
  );
});
