import type { ModuleMetadata, Provider } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import {
  LeaderElection,
  LeaderElections,
  LeaderTasks,
  type ZookeeperLeaderModuleOptions,
} from '../../lib/index.js';
import { MemoryLogger } from './memory-logger.js';
import { startApplication } from './nest-application.js';

/** An application with a scheduler that always leads, and what it is asked for. */
export async function startGuarded(
  providers: Provider[],
  options: ZookeeperLeaderModuleOptions = {},
  logger = new MemoryLogger(),
  imports: NonNullable<ModuleMetadata['imports']> = [],
) {
  const app = await startApplication({
    options: { standalone: true, drainTimeoutMs: 300, ...options },
    imports: [ScheduleModule.forRoot(), ...imports],
    providers,
    logger,
  });
  return {
    app,
    logger,
    tasks: app.get(LeaderTasks),
    election: app.get(LeaderElection),
    elections: app.get(LeaderElections),
  };
}
