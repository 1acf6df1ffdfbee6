import {
  Controller,
  Inject,
  Module,
  Optional,
  UseGuards,
  VERSION_NEUTRAL,
  type DynamicModule,
  type Type,
} from '@nestjs/common';
import { LeaderElections } from '../election/leader-elections.js';
import { LeaderTasks } from '../tasks/leader-tasks.js';
import { OptionChecks, type OptionTable } from '../validate.js';
import { withoutOptionsMessage } from '../zookeeper-leader.messages.js';
import { DashboardActions } from './dashboard-actions.js';
import { DashboardActionsController } from './dashboard-actions.controller.js';
import { DashboardController } from './dashboard.controller.js';
import { DashboardState } from './dashboard-state.js';
import { SameOriginGuard } from './same-origin.guard.js';
import type {
  DashboardActionsOptions,
  DashboardGuard,
  ZookeeperLeaderDashboardOptions,
} from './zookeeper-leader-dashboard-options.interface.js';

const MODULE = 'ZookeeperLeaderDashboardModule';
const DASHBOARD_OPTIONS = Symbol('nestjs-zookeeper-leader:dashboard-options');
const checks = new OptionChecks(MODULE);

/** Every option of the dashboard: a new one is a line here. */
const OPTIONS: OptionTable<ZookeeperLeaderDashboardOptions> = {
  path: true,
  guard: true,
  actions: true,
  imports: true,
};

const ACTIONS: OptionTable<DashboardActionsOptions> = { guard: true };

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
  constructor(@Optional() @Inject(DASHBOARD_OPTIONS) options: unknown) {
    if (options === undefined) {
      throw new TypeError(withoutOptionsMessage(MODULE));
    }
  }

  /**
   * @throws {TypeError} for an option that is not valid
   */
  static forRoot(options: ZookeeperLeaderDashboardOptions = {}): DynamicModule {
    const {
      path = '/leadership',
      guard,
      actions,
      imports = [],
    } = checkOptions(options);
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
        { provide: DASHBOARD_OPTIONS, useValue: options },
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
  options: ZookeeperLeaderDashboardOptions,
): ZookeeperLeaderDashboardOptions {
  const { path, guard, actions, imports } = checks.object(options, OPTIONS);
  if (
    path !== undefined &&
    (typeof path !== 'string' || !/^\/?[\w~.-]+(\/[\w~.-]+)*$/.test(path))
  ) {
    throw checks.error('path', path, 'is no path', 'one such as "/leadership"');
  }
  if (guard !== undefined && !isGuard(guard)) {
    throw checks.error(
      'guard',
      guard,
      'is not a guard',
      'its class, or an object',
    );
  }
  if (actions !== undefined) {
    const may = checks.object(actions, ACTIONS, 'actions').guard;
    if (may !== false && !isGuard(may)) {
      throw checks.error(
        'actions.guard',
        may,
        'is needed to say who may act',
        "a guard's class, or false for whoever can see the page",
      );
    }
  }
  if (imports !== undefined && !Array.isArray(imports)) {
    throw checks.error(
      'imports',
      imports,
      'is not a list',
      'a list of modules',
    );
  }
  return options;
}

function isGuard(value: unknown): boolean {
  return (
    typeof value === 'function' ||
    (typeof value === 'object' && value !== null && 'canActivate' in value)
  );
}
