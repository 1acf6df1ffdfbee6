import type { CanActivate, ModuleMetadata, Type } from '@nestjs/common';

/**
 * A guard of the application: its class, whose dependencies come from `imports`
 * and from global modules, or an object.
 *
 * @publicApi
 */
export type DashboardGuard = Type<CanActivate> | CanActivate;

/**
 * What may be done on the dashboard.
 *
 * @publicApi
 */
export interface DashboardActionsOptions {
  /**
   * Who may do it. `false`: everybody who can see the page. Use that where
   * something in front of the application asks for a password.
   */
  readonly guard: DashboardGuard | false;
  /**
   * Who a request comes from, for log, history and audit. Default: what
   * `request.user` calls itself, else the address.
   *
   * @example
   * ```ts
   * actions: { guard: OperatorsGuard, who: (request: Request) => request.user.login }
   * ```
   */
  who?(request: object): string | undefined;
}

/**
 * Options of {@link ZookeeperLeaderDashboardModule.forRoot}.
 *
 * @publicApi
 */
export interface ZookeeperLeaderDashboardOptions {
  /** Where the page is. Default `/leadership`. */
  readonly path?: string;
  /**
   * Who may see the dashboard: the page, its data and its stream. Default:
   * everybody who can reach it. It shows names of hosts and errors of tasks.
   */
  readonly guard?: DashboardGuard;
  /**
   * Adds the actions: to hand a leadership over, to run, pause and resume a task,
   * and to drain an instance.
   * Default: there are none.
   */
  readonly actions?: DashboardActionsOptions;
  /** Modules that the guards need. */
  readonly imports?: ModuleMetadata['imports'];
}
