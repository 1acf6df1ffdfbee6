import { beforeAll, describe, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expectCleanExit, untilItSays } from '../packaging/expect-clean-run.js';
import {
  INSTALL_TIMEOUT_MS,
  usePackedLibrary,
} from '../packaging/use-packed-library.js';

const execute = promisify(execFile);
const library = usePackedLibrary('bundlers');

/** What Nest looks for and does without. */
const OPTIONAL = [
  '@nestjs/microservices',
  '@nestjs/websockets',
  '@nestjs/platform-express',
  '@nestjs/platform-fastify',
  'class-transformer',
  'class-validator',
  'file-type',
];

const FILES = {
  'package.json': JSON.stringify({
    name: 'bundled-application',
    private: true,
    dependencies: {
      '@nestjs/common': '^11.2.10',
      '@nestjs/core': '^11.2.10',
      '@nestjs/schedule': '^6.1.3',
      'reflect-metadata': '^0.2.2',
      rxjs: '^7.8.2',
    },
    devDependencies: {
      '@nestjs/cli': '^11.0.24',
      '@rspack/cli': '^1.0.0',
      '@rspack/core': '^1.0.0',
      '@swc/cli': '^0.8.0',
      '@swc/core': '1.16.18',
      '@types/node': '^20.19.43',
      esbuild: '^0.25.0',
      'ts-loader': '^9.5.0',
      'ts-node': '^10.9.2',
      tsx: '^4.20.0',
      typescript: '5.9.3',
    },
  }),
  'nest-cli.json': JSON.stringify({ sourceRoot: 'src' }),
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      module: 'commonjs',
      target: 'ES2023',
      strict: true,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      outDir: './dist',
      rootDir: './src',
    },
    include: ['src'],
  }),
  '.swcrc': JSON.stringify({
    module: { type: 'commonjs' },
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
  }),
  'rspack.config.cjs': `
const external = process.env.BUNDLE_ALL
  ? ${JSON.stringify(OPTIONAL)}
  : ['@nestjs/', 'nestjs-zookeeper-leader', 'rxjs', 'reflect-metadata'];
module.exports = {
  mode: 'production',
  target: 'node',
  entry: './src/main.ts',
  resolve: { extensions: ['.ts', '.js'] },
  output: { filename: 'main.js' },
  optimization: { minimize: false },
  module: { rules: [{ test: /\\.ts$/, use: { loader: 'builtin:swc-loader', options: {
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
  } } }] },
  externals: [({ request }, done) =>
    external.some((name) => request.startsWith(name))
      ? done(null, 'commonjs ' + request)
      : done()],
};
`,
  // esbuild and tsx write no types of parameters, so the injection is explicit.
  'src/main.ts': `import 'reflect-metadata';
import { Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cron, ScheduleModule } from '@nestjs/schedule';
import { LeaderElection, OnlyLeader, ZookeeperLeaderModule } from 'nestjs-zookeeper-leader';

@Injectable()
class ReportService {
  constructor(@Inject(LeaderElection) private readonly election: LeaderElection) {}

  @OnlyLeader()
  @Cron('* * * * * *')
  report(): void {
    console.log(\`task ran, leading: \${this.election.isLeader()}\`);
  }
}

@Module({
  imports: [
    ScheduleModule.forRoot(),
    ZookeeperLeaderModule.forRoot({ basePath: process.env.BASE_PATH }),
  ],
  providers: [ReportService],
})
class AppModule {}

async function bootstrap(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule);
  process.stdin.resume().once('end', () => void app.close());
}

void bootstrap();
`,
};

const TSC = ['tsc'];
const RSPACK = ['rspack', 'build'];
const ESBUILD = [
  'esbuild',
  'dist/main.js',
  '--bundle',
  '--platform=node',
  '--outfile=dist/bundle.js',
];

interface Tool {
  /** Programs of the application's packages, with their arguments. */
  readonly build: readonly (readonly string[])[];
  readonly run: readonly string[];
  readonly environment?: Record<string, string>;
  /** Whether the library itself is part of what is built. */
  readonly isWhole?: boolean;
}

const TOOLS: Record<string, Tool> = {
  'nest build': { build: [['nest', 'build']], run: ['dist/main.js'] },
  'nest build --webpack': {
    build: [['nest', 'build', '--webpack']],
    run: ['dist/main.js'],
  },
  'nest build -b swc': {
    build: [['nest', 'build', '-b', 'swc']],
    run: ['dist/src/main.js'],
  },
  rspack: { build: [RSPACK], run: ['dist/main.js'] },
  'rspack, all in one file': {
    build: [RSPACK],
    run: ['dist/main.js'],
    environment: { BUNDLE_ALL: '1' },
    isWhole: true,
  },
  'tsc and esbuild, as docs/deployment.md says': {
    build: [
      TSC,
      [
        ...ESBUILD,
        '--external:@nestjs/*',
        '--external:nestjs-zookeeper-leader',
      ],
    ],
    run: ['dist/bundle.js'],
  },
  'tsc and esbuild, all in one file': {
    build: [TSC, [...ESBUILD, ...OPTIONAL.flatMap(externalOf)]],
    run: ['dist/bundle.js'],
    isWhole: true,
  },
  tsx: { build: [], run: ['node_modules/tsx/dist/cli.mjs', 'src/main.ts'] },
  'ts-node': {
    build: [],
    run: ['node_modules/ts-node/dist/bin.js', 'src/main.ts'],
  },
};

function externalOf(name: string): string[] {
  return [`--external:${name}`, `--external:${name}/*`];
}

let paths = 0;

beforeAll(async () => {
  const { directory, tarball } = library;
  await mkdir(path.join(directory, 'src'));
  for (const [file, text] of Object.entries(FILES)) {
    await writeFile(path.join(directory, file), text);
  }
  await execute(
    'npm',
    ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball],
    { cwd: directory },
  );
}, INSTALL_TIMEOUT_MS);

describe('an application leads, runs its task and ends, built by', () => {
  it.each(Object.entries(TOOLS))(
    '%s',
    async (_name, { build, run, environment = {}, isWhole = false }) => {
      const { directory, server } = library;
      await rm(path.join(directory, 'dist'), { recursive: true, force: true });
      for (const [program = '', ...args] of build) {
        const file = path.join(directory, 'node_modules/.bin', program);
        const built = library.start(directory, file, args, environment);
        if ((await built.exitCode) !== 0) {
          throw new Error(`${program} failed: ${built.output}`);
        }
      }
      // Nothing of the library but what is in the file, where all is in one.
      const at = isWhole
        ? await realpath(await mkdtemp(path.join(tmpdir(), 'bundle-')))
        : directory;
      const args = run.map((arg) =>
        arg.includes('/') ? path.join(directory, arg) : arg,
      );
      if (isWhole) {
        await execute('cp', [args[0] as string, path.join(at, 'main.js')]);
        args[0] = path.join(at, 'main.js');
      }
      paths += 1;
      const running = library.start(at, process.execPath, args, {
        ZOOKEEPER_CONNECTION_STRING: server.connectionString,
        BASE_PATH: `/bundled-${paths}`,
      });
      await untilItSays(running, 'task ran, leading: true', 60_000);
      await expectCleanExit(running);
      if (isWhole) {
        await rm(at, { recursive: true, force: true });
      }
    },
    INSTALL_TIMEOUT_MS,
  );
});
