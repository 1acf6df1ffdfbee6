import {
  Controller,
  Module,
  UseGuards,
  VERSION_NEUTRAL,
  type DynamicModule,
  type Type,
} from '@nestjs/common';
import { LeaderElections } from '../election/leader-elections.js';
import { LeaderTasks } from '../tasks/leader-tasks.js';
import { invalidOptionMessage } from '../zookeeper-leader.messages.js';
import { DashboardActions } from './dashboard-actions.js';
import { DashboardActionsController } from './dashboard-actions.controller.js';
import { DashboardController } from './dashboard.controller.js';
import { DashboardState } from './dashboard-state.js';
import { SameOriginGuard } from './same-origin.guard.js';
import type {
  DashboardGuard,
  ZookeeperLeaderDashboardOptions,
} from './zookeeper-leader-dashboard-options.interface.js';

/**
 * A page that shows, live, who leads every election of the base path and what
 * became of the leader tasks, in the whole cluster and from any instance. Works
 * on Express and Fastify. Read-only unless the option `actions` is given.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [
 *     ZookeeperLeaderModule.forRoot(),
 *     ZookeeperLeaderDashboardModule.forRoot({
 *       path: '/leadership',
 *       guard: EmployeesGuard,
 *       actions: { guard: OperatorsGuard },
 *     }),
 *   ],
 * })
 * export class AppModule {}
 * ```
 *
 * @publicApi
 */
@Module({})
export class ZookeeperLeaderDashboardModule {
  /**
   * @throws {TypeError} for an option that is not valid
   */
  static forRoot(options: ZookeeperLeaderDashboardOptions = {}): DynamicModule {
    const { path = '/leadership', guard, actions, imports = [] } = options;
    checkOptions(path, guard, actions?.guard, actions !== undefined);
    const seen = guard ? [guard] : [];
    const steered = actions?.guard ? [actions.guard] : [];
    return {
      module: ZookeeperLeaderDashboardModule,
      imports,
      controllers: [
        controllerAt(path, DashboardController, seen),
        ...(actions
          ? [
              controllerAt(path, DashboardActionsController, [
                SameOriginGuard,
                ...seen,
                ...steered,
              ]),
            ]
          : []),
      ],
      providers: [
        {
          provide: DashboardState,
          inject: [LeaderElections, LeaderTasks],
          useFactory: (elections: LeaderElections, tasks: LeaderTasks) =>
            new DashboardState(elections, tasks, actions !== undefined),
        },
        {
          provide: DashboardActions,
          inject: [LeaderElections, LeaderTasks],
          useFactory: (elections: LeaderElections, tasks: LeaderTasks) =>
            new DashboardActions(elections, tasks),
        },
      ],
    };
  }
}

/** A class of its own for each module, whose path and guards are its own. */
function controllerAt(
  path: string,
  controller: Type,
  guards: readonly DashboardGuard[],
): Type {
  const own = class extends controller {};
  // Nest logs it, and the tools that describe an API ask for it.
  Object.defineProperty(own, 'name', { value: controller.name });
  Controller({ path, version: VERSION_NEUTRAL })(own);
  UseGuards(...guards)(own);
  return own;
}

function checkOptions(
  path: unknown,
  guard: unknown,
  actionsGuard: unknown,
  hasActions: boolean,
): void {
  if (typeof path !== 'string' || !/^\/?[\w~.-]+(\/[\w~.-]+)*$/.test(path)) {
    throw invalid('path', path, 'is no path', 'one such as "/leadership"');
  }
  if (guard !== undefined && !isGuard(guard)) {
    throw invalid('guard', guard, 'is no guard', 'its class, or an object');
  }
  if (hasActions && actionsGuard !== false && !isGuard(actionsGuard)) {
    throw invalid(
      'actions.guard',
      actionsGuard,
      'is needed to say who may act',
      "a guard's class, or false for whoever can see the page",
    );
  }
}

function isGuard(value: unknown): boolean {
  return (
    typeof value === 'function' ||
    (typeof value === 'object' && value !== null && 'canActivate' in value)
  );
}

function invalid(
  option: string,
  value: unknown,
  problem: string,
  expected: string,
): TypeError {
  return new TypeError(
    invalidOptionMessage(option, value, problem, expected).replace(
      /^\w+/,
      'ZookeeperLeaderDashboardModule',
    ),
  );
}
