import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { DiscoveryModule, ModuleRef } from '@nestjs/core';
import { LeaderElection } from '../election/leader-election.js';
import { LeaderElections } from '../election/leader-elections.js';
import type { ZookeeperLeaderModuleOptions } from '../interfaces/zookeeper-leader-options.interface.js';
import { Partitions } from '../partitions/partitions.js';
import { LeaderTasks, TASK_NODES } from '../tasks/leader-tasks.js';
import { memoryNodes } from '../tasks/ledger/memory-client.js';
import {
  RESOLVED_OPTIONS,
  ZOOKEEPER_LEADER_OPTIONS,
} from '../zookeeper-leader.constants.js';
import type { OptionTable } from '../validate.js';
import type { ResolvedOptions } from '../zookeeper-leader.options.js';
import {
  LEADER_PROVIDERS,
  withNamedElections,
} from '../zookeeper-leader.providers.js';
import {
  checkFakeElectionsOptions,
  makeFakeElections,
  type FakeElectionsOptions,
} from './fake-elections.js';
import { FakeLeaderElection } from './fake-leader-election.js';

/**
 * Options of {@link ZookeeperLeaderTestingModule.forRoot}.
 *
 * @publicApi
 */
export interface ZookeeperLeaderTestingOptions
  extends
    FakeElectionsOptions,
    Pick<
      ZookeeperLeaderModuleOptions,
      'elections' | 'ledger' | 'drainTimeoutMs'
    > {}

const MODULE_OPTIONS: OptionTable<
  Omit<ZookeeperLeaderTestingOptions, keyof FakeElectionsOptions>
> = { elections: true, ledger: true, drainTimeoutMs: true };

/**
 * Stands for `ZookeeperLeaderModule` in tests: the same decorators, guards and
 * tasks, over elections whose leader the test decides. There is no ZooKeeper, no
 * other process and nothing native. Works in a module that is compiled but not
 * initialised as well.
 *
 * @example
 * ```ts
 * const module = await Test.createTestingModule({
 *   imports: [ZookeeperLeaderTestingModule.forRoot()],
 *   providers: [InvoicesService],
 * }).compile();
 *
 * module.get(FakeLeaderElection).elect();
 * await module.get(InvoicesService).sendInvoices();
 * ```
 *
 * @publicApi
 */
@Module({})
export class ZookeeperLeaderTestingModule {
  /**
   * @throws {TypeError} for an option that does not exist, or an invalid value
   */
  static forRoot(options: ZookeeperLeaderTestingOptions = {}): DynamicModule {
    checkFakeElectionsOptions(
      'ZookeeperLeaderTestingModule',
      options,
      MODULE_OPTIONS,
    );
    const { elections, ledger, drainTimeoutMs } = options;
    return withNamedElections({
      module: ZookeeperLeaderTestingModule,
      global: true,
      imports: [DiscoveryModule],
      providers: [
        {
          provide: ZOOKEEPER_LEADER_OPTIONS,
          useValue: {
            standalone: true,
            ...(elections && { elections }),
            ...(ledger !== undefined && { ledger }),
            ...(drainTimeoutMs !== undefined && { drainTimeoutMs }),
          } satisfies ZookeeperLeaderModuleOptions,
        },
        ...LEADER_PROVIDERS.filter((provider) => !isReplaced(provider)),
        {
          provide: LeaderElections,
          inject: [RESOLVED_OPTIONS, ModuleRef],
          useFactory: (resolved: ResolvedOptions, moduleRef: ModuleRef) =>
            makeFakeElections(resolved, moduleRef, options),
        },
        {
          provide: TASK_NODES,
          useFactory: () => options.cluster?.nodes ?? memoryNodes(),
        },
        { provide: FakeLeaderElection, useExisting: LeaderElection },
      ],
      exports: [
        LeaderElections,
        LeaderElection,
        LeaderTasks,
        Partitions,
        FakeLeaderElection,
      ],
    });
  }
}

function isReplaced(provider: Provider): boolean {
  return (
    typeof provider === 'object' &&
    (provider.provide === LeaderElections || provider.provide === TASK_NODES)
  );
}
