import type {
  INestApplicationContext,
  LoggerService,
  ModuleMetadata,
  Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ZookeeperLeaderModule,
  type ZookeeperLeaderModuleOptions,
} from '../../lib/index.js';
import { MemoryLogger } from './memory-logger.js';

export interface ApplicationParts extends ModuleMetadata {
  options?: ZookeeperLeaderModuleOptions;
  logger?: LoggerService;
}

/** Applications to be closed after a test. */
const running = new Set<INestApplicationContext>();

/** A root module of its own for each application, with the module imported. */
export function rootModule({
  options = {},
  imports = [],
  ...metadata
}: ApplicationParts): { module: Type } & ModuleMetadata {
  return {
    module: class RootModule {},
    imports: [ZookeeperLeaderModule.forRoot(options), ...imports],
    ...metadata,
  };
}

/** Starts a Nest application as its own main.ts would. */
export async function startApplication({
  logger = new MemoryLogger(),
  ...parts
}: ApplicationParts): Promise<INestApplicationContext> {
  const app = await NestFactory.createApplicationContext(rootModule(parts), {
    logger,
    abortOnError: false,
  });
  return track(app);
}

/** Has an application closed after the test. */
export function track<T extends INestApplicationContext>(app: T): T {
  running.add(app);
  return app;
}

/** For afterEach. */
export async function closeApplications(): Promise<void> {
  const apps = [...running];
  running.clear();
  await Promise.all(apps.map((app) => app.close()));
}
