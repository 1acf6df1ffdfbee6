import { expect, it } from '@jest/globals';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { untilItSays } from '../packaging/expect-clean-run.js';
import {
  INSTALL_TIMEOUT_MS,
  usePackedLibrary,
} from '../packaging/use-packed-library.js';
import { managerOf, runManager } from './matrix/package-managers.js';
import { useRegistry } from './matrix/use-registry.js';

const library = usePackedLibrary('nest-add');
const registry = useRegistry(library);

/** As `nest new` of Nest 11 writes it. */
const FILES = {
  'package.json': JSON.stringify(
    {
      name: '@acme/billing-api',
      private: true,
      dependencies: {
        '@nestjs/common': '^11.2.10',
        '@nestjs/core': '^11.2.10',
        '@nestjs/platform-express': '^11.2.10',
        'reflect-metadata': '^0.2.2',
        rxjs: '^7.8.2',
      },
      devDependencies: {
        '@nestjs/cli': '^11.0.24',
        '@nestjs/schematics': '^11.0.0',
        '@types/node': '^20.19.43',
        typescript: '5.9.3',
      },
    },
    null,
    2,
  ),
  'nest-cli.json': JSON.stringify({
    collection: '@nestjs/schematics',
    sourceRoot: 'src',
  }),
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      module: 'nodenext',
      target: 'ES2023',
      strict: true,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      outDir: './dist',
      rootDir: './src',
    },
    include: ['src'],
  }),
  'src/app.module.ts': `import { Module } from '@nestjs/common';

@Module({
  imports: [],
})
export class AppModule {}
`,
  'src/main.ts': `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  await app.listen(0);
}
void bootstrap();
`,
};

it.each(['npm', 'pnpm', 'yarn'])(
  '"npx nest add" installs the library with %s, and the application leads',
  async (manager) => {
    const at = path.join(library.directory, `application-${manager}`);
    await mkdir(path.join(at, 'src'), { recursive: true });
    const files = { ...FILES, ...managerOf(manager).files?.(registry.toolbox) };
    for (const [file, text] of Object.entries(files)) {
      await writeFile(path.join(at, file), text);
    }
    const bin = await registry.manager(manager);
    await runManager(manager, bin, managerOf(manager).install, at);

    // The Nest CLI looks for the package manager by its name.
    const programs = path.join(library.directory, `bin-${manager}`);
    await mkdir(programs, { recursive: true });
    const program = path.join(programs, manager);
    await writeFile(
      program,
      `#!/bin/sh\nexec "${process.execPath}" "${bin}" "$@"\n`,
    );
    await chmod(program, 0o755);
    const environment = { PATH: `${programs}:${process.env.PATH}` };
    const cli = path.join(at, 'node_modules/@nestjs/cli/bin/nest.js');
    const nest = async (...args: string[]): Promise<string> => {
      const command = library.start(
        at,
        process.execPath,
        [cli, ...args],
        environment,
      );
      if ((await command.exitCode) !== 0) {
        throw new Error(`nest ${args.join(' ')} failed: ${command.output}`);
      }
      return command.output;
    };

    const requests = registry.requests();
    // What the Nest CLI runs to install is not what pnpm and Yarn 4 take.
    const isInstalled = manager !== 'npm';
    if (isInstalled) {
      const args = ['add', 'nestjs-zookeeper-leader'];
      await runManager(manager, bin, args, at);
    }
    const said = await nest(
      'add',
      'nestjs-zookeeper-leader',
      ...(isInstalled ? ['--skip-install'] : []),
    );
    expect(said).toContain('ZooKeeper is looked for');
    expect(registry.requests()).toBeGreaterThan(requests);
    expect(
      await readFile(path.join(at, 'src/app.module.ts'), 'utf8'),
    ).toContain(
      "ZookeeperLeaderModule.forRoot({ basePath: '/acme/billing-api' })",
    );
    await nest('build');
    const running = library.start(
      at,
      process.execPath,
      [path.join(at, 'dist/main.js')],
      {
        ZOOKEEPER_CONNECTION_STRING: library.server.connectionString,
      },
    );
    await untilItSays(running, 'leads the election "default"', 60_000);
    running.interrupt();
    await running.exitCode;
    expect(running.output).toContain('no longer leads the election "default"');
  },
  INSTALL_TIMEOUT_MS,
);
