import { ModuleRef } from '@nestjs/core';
import { LeaderElections } from '../election/leader-elections.js';
import { TASK_NODES } from '../tasks/leader-tasks.js';
import { memoryNodes } from '../tasks/ledger/memory-client.js';
import { RESOLVED_OPTIONS } from '../zookeeper-leader.constants.js';
import type { ResolvedOptions } from '../zookeeper-leader.options.js';
import {
  checkFakeElectionsOptions,
  makeFakeElections,
  type FakeElectionsOptions,
} from './fake-elections.js';

/** The part of `TestingModuleBuilder` of `@nestjs/testing` that is used here. */
interface ProviderOverrides {
  overrideProvider(token: unknown): {
    useFactory(options: {
      inject: unknown[];
      factory: (...dependencies: never[]) => unknown;
    }): unknown;
  };
}

/**
 * Gives fake elections to a whole application that imports
 * `ZookeeperLeaderModule` itself. Returns the builder.
 *
 * @throws {TypeError} for an option that does not exist, or an invalid value
 *
 * @example
 * ```ts
 * const builder = Test.createTestingModule({ imports: [AppModule] });
 * const module = await useFakeElections(builder, { leads: true }).compile();
 * const app = await module.createNestApplication().init();
 *
 * fakeElectionOf(app).depose();
 * ```
 *
 * @publicApi
 */
export function useFakeElections<Builder extends ProviderOverrides>(
  builder: Builder,
  options: FakeElectionsOptions = {},
): Builder {
  checkFakeElectionsOptions('useFakeElections()', options);
  builder.overrideProvider(LeaderElections).useFactory({
    inject: [RESOLVED_OPTIONS, ModuleRef],
    factory: (resolved: ResolvedOptions, moduleRef: ModuleRef) =>
      makeFakeElections(resolved, moduleRef, options),
  });
  builder.overrideProvider(TASK_NODES).useFactory({
    inject: [],
    factory: () => options.cluster?.nodes ?? memoryNodes(),
  });
  return builder;
}
