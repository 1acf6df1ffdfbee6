import {
  ConfigurableModuleBuilder,
  Inject,
  Module,
  Optional,
  type DynamicModule,
  type Provider,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { checkAsyncOptions, withCheckedOptions } from '../async-options.js';
import { LeaderElections } from '../election/leader-elections.js';
import { Partitions } from '../partitions/partitions.js';
import { LeaderTasks } from '../tasks/leader-tasks.js';
import { withoutOptionsMessage } from '../zookeeper-leader.messages.js';
import { DashboardActions } from './dashboard-actions.js';
import { DashboardActionsController } from './dashboard-actions.controller.js';
import { DashboardController } from './dashboard.controller.js';
import {
  DASHBOARD_OPTIONS,
  checkDashboardOptions,
  DASHBOARD_MODULE,
  type CheckedDashboardOptions,
} from './dashboard-options.js';
import { controllerAt, placeAt } from './controller-at.js';
import { DashboardState } from './dashboard-state.js';
import { OptionGuards } from './option-guards.js';
import { SameOriginGuard } from './same-origin.guard.js';
import type { ZookeeperLeaderDashboardOptions } from './zookeeper-leader-dashboard-options.interface.js';

const MODULE = {
  owner: DASHBOARD_MODULE,
  token: DASHBOARD_OPTIONS,
  method: 'createZookeeperLeaderDashboardOptions',
  accept: checkDashboardOptions,
};

const { ConfigurableModuleClass, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<ZookeeperLeaderDashboardOptions>({
    optionsInjectionToken: DASHBOARD_OPTIONS,
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName(MODULE.method)
    .build();

const DASHBOARD_PROVIDERS: Provider[] = [
  {
    provide: DashboardState,
    inject: [DASHBOARD_OPTIONS, LeaderElections, Partitions, LeaderTasks],
    useFactory: (
      options: ZookeeperLeaderDashboardOptions,
      elections: LeaderElections,
      partitions: Partitions,
      tasks: LeaderTasks,
    ) =>
      new DashboardState(
        elections,
        partitions,
        tasks,
        options.actions !== undefined,
      ),
  },
  {
    provide: DashboardActions,
    inject: [LeaderElections, LeaderTasks],
    useFactory: (elections: LeaderElections, tasks: LeaderTasks) =>
      new DashboardActions(elections, tasks),
  },
];

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
export class ZookeeperLeaderDashboardModule extends ConfigurableModuleClass {
  constructor(@Optional() @Inject(DASHBOARD_OPTIONS) options: unknown) {
    super();
    if (options === undefined) {
      throw new TypeError(withoutOptionsMessage(DASHBOARD_MODULE));
    }
  }

  /**
   * @throws {TypeError} for an option that is not valid
   */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    const { path, guard, actions, imports } = checkDashboardOptions(options);
    const seen = guard ? [guard] : [];
    const steered = actions?.guard ? [actions.guard] : [];
    const { providers = [], ...definition } = super.forRoot(options);
    return {
      ...definition,
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
      providers: [...providers, ...DASHBOARD_PROVIDERS],
    };
  }

  /**
   * {@link forRoot} with options that have to be injected or awaited. The
   * modules that guards need stand among its own `imports`. A guard is one
   * object for all requests.
   *
   * @example
   * ```ts
   * ZookeeperLeaderDashboardModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({
   *     path: config.get('LEADERSHIP_PATH'),
   *     guard: EmployeesGuard,
   *   }),
   * })
   * ```
   */
  static override forRootAsync(
    options: typeof ASYNC_OPTIONS_TYPE,
  ): DynamicModule {
    checkAsyncOptions(MODULE.owner, options);
    const guards = new OptionGuards();
    const { providers = [], ...definition } = withCheckedOptions(
      super.forRootAsync(options),
      MODULE,
      options,
    );
    const controllers = [
      controllerAt('/', DashboardController, [guards.seeing]),
      controllerAt('/', DashboardActionsController, [
        SameOriginGuard,
        guards.seeing,
        guards.acting,
      ]),
    ];
    return {
      ...definition,
      controllers,
      providers: [
        ...providers,
        ...DASHBOARD_PROVIDERS,
        {
          provide: OptionGuards,
          inject: [DASHBOARD_OPTIONS, ModuleRef],
          useFactory: async (
            checked: CheckedDashboardOptions,
            modules: ModuleRef,
          ) => {
            await guards.use(checked, modules);
            // Nest reads the paths when all providers are there.
            for (const controller of controllers) {
              placeAt(checked.path, controller);
            }
            return guards;
          },
        },
      ],
    };
  }
}
