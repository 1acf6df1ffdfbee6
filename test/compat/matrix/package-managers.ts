import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Where the package managers themselves, and what they keep, are. */
export interface Toolbox {
  readonly directory: string;
  /** The registry that the applications are installed from. */
  readonly registry: string;
}

interface PackageManager {
  /** Its own package, whose newest version is used. */
  readonly package: string;
  /** Its script, or a program, in that package. */
  readonly bin: string;
  readonly isProgram?: boolean;
  readonly install: readonly string[];
  /** Settings of an application, by file. */
  readonly files?: (toolbox: Toolbox) => Record<string, string>;
  /** How TypeScript's compiler is run; Node.js and a path if left out. */
  readonly compile?: readonly string[];
  /** What Node.js needs to find packages. */
  readonly nodeOptions?: (directory: string) => string[];
}

const yarn = (linker: string) => ({
  package: '@yarnpkg/cli-dist',
  bin: 'bin/yarn.js',
  install: ['install'],
  files: ({ directory, registry }: Toolbox) => ({
    '.yarnrc.yml': [
      `nodeLinker: ${linker}`,
      `npmRegistryServer: "${registry}"`,
      'unsafeHttpWhitelist: ["127.0.0.1"]',
      'enableTelemetry: false',
      'enableImmutableInstalls: false',
      // No package of the application may need its scripts to be run.
      'enableScripts: false',
      'npmMinimalAgeGate: 0',
      `globalFolder: ${path.join(directory, 'yarn-global')}`,
      // The types of @nestjs/core 12 import it, and its manifest does not say so.
      'packageExtensions:',
      '  "@nestjs/core@*":',
      '    dependencies:',
      '      "@standard-schema/spec": "*"',
      '',
    ].join('\n'),
    'yarn.lock': '',
  }),
  compile: ['exec', 'tsc'],
});

/** None of them is allowed to run the scripts of packages. */
export const PACKAGE_MANAGERS: Readonly<Record<string, PackageManager>> = {
  npm: {
    package: 'npm',
    bin: 'bin/npm-cli.js',
    install: ['install', '--no-audit', '--no-fund', '--ignore-scripts'],
    files: ({ registry }) => ({ '.npmrc': `registry=${registry}/\n` }),
  },
  pnpm: {
    package: 'pnpm',
    bin: 'bin/pnpm.mjs',
    install: ['install', '--ignore-scripts', '--no-frozen-lockfile'],
    files: ({ directory, registry }) => ({
      '.npmrc': `registry=${registry}/\n`,
      'pnpm-workspace.yaml': [
        `storeDir: ${path.join(directory, 'pnpm-store')}`,
        'minimumReleaseAge: 0',
        'packages: []',
        '',
      ].join('\n'),
    }),
  },
  yarn: yarn('node-modules'),
  'yarn-pnp': {
    ...yarn('pnp'),
    nodeOptions: (directory) => [
      '--require',
      path.join(directory, '.pnp.cjs'),
      '--experimental-loader',
      path.join(directory, '.pnp.loader.mjs'),
    ],
  },
  bun: {
    package: `@oven/bun-${process.platform}-${process.arch}`,
    bin: 'bin/bun',
    isProgram: true,
    install: ['install', '--ignore-scripts'],
    files: ({ directory, registry }) => ({
      'bunfig.toml': [
        '[install]',
        `registry = "${registry}/"`,
        '[install.cache]',
        `dir = "${path.join(directory, 'bun-cache')}"`,
        '',
      ].join('\n'),
    }),
  },
};

export function managerOf(name: string): PackageManager {
  const manager = PACKAGE_MANAGERS[name];
  if (!manager) {
    throw new Error(`There is no package manager "${name}"`);
  }
  return manager;
}

/** Installs a package manager as the npm package that it is. */
export async function installManager(
  name: string,
  toolbox: Toolbox,
): Promise<string> {
  const directory = path.join(toolbox.directory, `manager-${name}`);
  await mkdir(directory, { recursive: true });
  await writeFile(path.join(directory, 'package.json'), '{"private":true}');
  const manager = managerOf(name);
  await execute(
    'npm',
    ['install', '--no-audit', '--no-fund', '--ignore-scripts', manager.package],
    { cwd: directory },
  );
  return path.join(directory, 'node_modules', manager.package, manager.bin);
}

/** Runs a package manager in a directory; rejects with what it wrote. */
export async function runManager(
  name: string,
  bin: string,
  args: readonly string[],
  cwd: string,
): Promise<string> {
  const { isProgram = false } = managerOf(name);
  const command = isProgram ? bin : process.execPath;
  const first = isProgram ? [] : [bin];
  try {
    const { stdout, stderr } = await execute(command, [...first, ...args], {
      cwd,
      env: environment(),
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout + stderr;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${name} ${args.join(' ')} failed:\n${stdout}${stderr}`, {
      cause: error,
    });
  }
}

/** Without what npm tells the scripts that it runs, and what jest does. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|JEST_|NODE_ENV$|NODE_OPTIONS$|INIT_CWD$)/i.test(name),
  );
  return { ...Object.fromEntries(kept), CI: '1' };
}
