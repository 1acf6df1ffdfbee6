import { hostname } from 'node:os';
import type { DynamicModule, Provider } from '@nestjs/common';
import { DiscoveryService, ModulesContainer } from '@nestjs/core';
import { exploreElections } from './decorators/election.explorer.js';
import {
  getLeaderElectionToken,
  injectedElectionNames,
} from './decorators/inject-leader-election.decorator.js';
import { LeaderElections } from './election/leader-elections.js';
import { LeadershipHooksExplorer } from './decorators/leadership-hooks.explorer.js';
import type { ZookeeperLeaderModuleOptions } from './interfaces/zookeeper-leader-options.interface.js';
import { DrainWatch } from './operations/drain-watch.js';
import { balanceElections } from './balance/balanced-elections.js';
import { Partitions } from './partitions/partitions.js';
import { LeaderTasks, TASK_NODES } from './tasks/leader-tasks.js';
import { memoryNodes } from './tasks/ledger/memory-client.js';
import { Schedules } from './tasks/schedule/schedules.js';
import { TaskExplorer } from './tasks/task-explorer.js';
import { VERSION } from './version.js';
import {
  DEFAULT_ELECTION,
  RESOLVED_OPTIONS,
  ZOOKEEPER_LEADER_OPTIONS,
} from './zookeeper-leader.constants.js';
import { ZookeeperLeaderLifecycle } from './zookeeper-leader.lifecycle.js';
import { withoutOptionsMessage } from './zookeeper-leader.messages.js';
import {
  resolveOptions,
  type ResolvedOptions,
} from './zookeeper-leader.options.js';

/** What the module consists of, apart from its options. */
export const LEADER_PROVIDERS: Provider[] = [
  {
    provide: RESOLVED_OPTIONS,
    inject: [{ token: ZOOKEEPER_LEADER_OPTIONS, optional: true }],
    useFactory: (options: ZookeeperLeaderModuleOptions | undefined) => {
      if (options === undefined) {
        throw new TypeError(withoutOptionsMessage('ZookeeperLeaderModule'));
      }
      return resolveOptions(options);
    },
  },
  {
    provide: LeaderElections,
    inject: [RESOLVED_OPTIONS],
    useFactory: (options: ResolvedOptions) => {
      const elections = new LeaderElections(
        options,
        {
          instanceId: options.instanceId,
          host: hostname(),
          pid: process.pid,
          ...(options.application !== undefined && {
            application: options.application,
          }),
        },
        VERSION,
      );
      balanceElections(elections, options);
      return elections;
    },
  },
  electionProvider(DEFAULT_ELECTION),
  {
    provide: Partitions,
    inject: [LeaderElections, RESOLVED_OPTIONS],
    useFactory: (elections: LeaderElections, options: ResolvedOptions) =>
      new Partitions(elections, options),
  },
  {
    provide: TASK_NODES,
    inject: [LeaderElections],
    useFactory: ({ session }: LeaderElections) => session ?? memoryNodes(),
  },
  Schedules,
  LeaderTasks,
  TaskExplorer,
  {
    provide: LeadershipHooksExplorer,
    inject: [DiscoveryService, LeaderElections, RESOLVED_OPTIONS],
    useFactory: (
      discovery: DiscoveryService,
      elections: LeaderElections,
      { drainTimeoutMs }: ResolvedOptions,
    ) => new LeadershipHooksExplorer(discovery, elections, drainTimeoutMs),
  },
  {
    provide: DrainWatch,
    inject: [LeaderElections],
    useFactory: (elections: LeaderElections) => new DrainWatch(elections),
  },
  {
    provide: ZookeeperLeaderLifecycle,
    inject: [
      ModulesContainer,
      TaskExplorer,
      LeadershipHooksExplorer,
      LeaderElections,
      LeaderTasks,
    ],
    useFactory: (
      modules: ModulesContainer,
      tasksExplorer: TaskExplorer,
      hooksExplorer: LeadershipHooksExplorer,
      elections: LeaderElections,
      tasks: LeaderTasks,
    ) =>
      new ZookeeperLeaderLifecycle(
        () => countImports(modules),
        [
          { explore: () => exploreElections(modules, elections) },
          tasksExplorer,
          hooksExplorer,
        ],
        elections,
        tasks,
      ),
  },
];

/**
 * Adds the elections that are injected by name. Getters, because the names are
 * those of all classes loaded when Nest reads the module, which may be more
 * than are loaded when `forRoot()` is called.
 */
export function withNamedElections(definition: DynamicModule): DynamicModule {
  const { providers = [] } = definition;
  return {
    ...definition,
    get providers(): Provider[] {
      return [...providers, ...injectedElectionNames().map(electionProvider)];
    },
    get exports(): NonNullable<DynamicModule['exports']> {
      return [
        ...(definition.exports ?? []),
        ...injectedElectionNames().map(getLeaderElectionToken),
      ];
    },
  };
}

function electionProvider(name: string): Provider {
  return {
    provide: getLeaderElectionToken(name),
    inject: [LeaderElections],
    useFactory: (elections: LeaderElections) =>
      elections.offer(name, `@InjectLeaderElection('${name}')`),
  };
}

function countImports(modules: ModulesContainer): number {
  // The module itself, or what stands for it in tests.
  return [...modules.values()].filter(({ providers }) =>
    providers.has(LeaderElections),
  ).length;
}
