import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Combination } from './combinations.js';
import { managerOf, runManager, type Toolbox } from './package-managers.js';

const execute = promisify(execFile);

const MAIN = `import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

async function bootstrap(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule);
  // Closed without process.exit(): what is left open keeps the process alive.
  process.stdin.resume().once('end', () => void app.close());
}

void bootstrap();
`;

const MODULE = `import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { ZookeeperLeaderModule } from 'nestjs-zookeeper-leader';
import { ReportService } from './report.service.js';

@Module({
  imports: [
    ScheduleModule.forRoot(),
    ZookeeperLeaderModule.forRoot({
      connectionString: process.env.CONNECTION_STRING ?? '',
      basePath: process.env.BASE_PATH ?? '/compat',
    }),
  ],
  providers: [ReportService],
})
export class AppModule {}
`;

const SERVICE = `import { Injectable } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { LeaderElection, OnlyLeader } from 'nestjs-zookeeper-leader';

@Injectable()
export class ReportService {
  constructor(private readonly election: LeaderElection) {}

  @OnlyLeader()
  @Cron('* * * * * *')
  report(): void {
    console.log(\`task ran, leading: \${this.election.isLeader()}\`);
  }
}
`;

/** The types of the sub-paths that need no further package. */
const TYPES = `export type { FakeLeaderElection } from 'nestjs-zookeeper-leader/testing';
export type { ZookeeperLeaderDashboardOptions } from 'nestjs-zookeeper-leader/dashboard';
`;

const NEST: Readonly<Record<string, Record<string, string>>> = {
  '11': { nest: '^11.2.10', schedule: '^6.1.3' },
  '12': { nest: '^12.5.1', schedule: '^12.0.2' },
};

/** Writes the application of a combination into an empty directory. */
export async function writeApplication(
  directory: string,
  combination: Combination,
  toolbox: Toolbox,
): Promise<void> {
  const { nest: nestMajor, manager, format } = combination;
  const { nest, schedule } = NEST[nestMajor] as Record<string, string>;
  const files: Record<string, string> = {
    'package.json': JSON.stringify({
      name: 'compat-application',
      private: true,
      ...(format === 'esm' && { type: 'module' }),
      dependencies: {
        '@nestjs/common': nest,
        '@nestjs/core': nest,
        '@nestjs/schedule': schedule,
        'nestjs-zookeeper-leader': 'latest',
        'reflect-metadata': '^0.2.2',
        rxjs: '^7.8.2',
      },
      devDependencies: {
        '@types/node': '^20.19.43',
        typescript: typescriptOf(combination),
      },
    }),
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        ...moduleSettings(combination),
        target: 'ES2022',
        lib: ['ES2023'],
        types: ['node'],
        strict: true,
        skipLibCheck: false,
        esModuleInterop: true,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        rootDir: './src',
        outDir: './dist',
      },
      include: ['src'],
    }),
    'src/main.ts': MAIN,
    'src/app.module.ts': MODULE,
    'src/report.service.ts': SERVICE,
    'src/types.ts': TYPES,
    ...managerOf(manager).files?.(toolbox),
  };
  await mkdir(path.join(directory, 'src'), { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    await writeFile(path.join(directory, file), text);
  }
}

/** Rejects with what TypeScript says, of the library's types as well. */
export async function compile(
  directory: string,
  { manager }: Combination,
  bin: string,
): Promise<void> {
  const { compile: viaManager } = managerOf(manager);
  if (viaManager) {
    await runManager(manager, bin, viaManager, directory);
    return;
  }
  try {
    await execute(process.execPath, ['node_modules/typescript/bin/tsc'], {
      cwd: directory,
    });
  } catch (error) {
    throw new Error((error as { stdout: string }).stdout, { cause: error });
  }
}

/** The last TypeScript that takes the setting without a warning. */
function typescriptOf({ resolution }: Combination): string {
  return ['node10', 'node16'].includes(resolution) ? '5.9.3' : '6.0.3';
}

function moduleSettings({ format, resolution }: Combination): {
  module: string;
  moduleResolution: string;
} {
  const isNodes = resolution === 'node16' || resolution === 'nodenext';
  const module = isNodes
    ? resolution
    : format === 'esm'
      ? 'es2022'
      : 'commonjs';
  return { module, moduleResolution: resolution };
}
