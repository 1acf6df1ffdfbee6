import {
  NotFoundException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import type {
  DashboardGuard,
  ZookeeperLeaderDashboardOptions,
} from './zookeeper-leader-dashboard-options.interface.js';

/** Stands for guards that are known only when the options have been awaited. */
export class OptionGuards {
  #seeing: CanActivate | undefined;
  #acting: CanActivate | undefined;
  #hasActions = false;

  /** Who may see the dashboard. */
  readonly seeing: CanActivate = {
    canActivate: (context) => this.#seeing?.canActivate(context) ?? true,
  };

  /** Who may act on it. */
  readonly acting: CanActivate = {
    canActivate: (context: ExecutionContext) => {
      if (!this.#hasActions) {
        throw new NotFoundException();
      }
      return this.#acting?.canActivate(context) ?? true;
    },
  };

  /** Makes the guards of the options. */
  async use(
    { guard, actions }: ZookeeperLeaderDashboardOptions,
    modules: ModuleRef,
  ): Promise<void> {
    const make = async (
      given: DashboardGuard | false | undefined,
    ): Promise<CanActivate | undefined> =>
      typeof given === 'function' ? modules.create(given) : given || undefined;
    this.#hasActions = actions !== undefined;
    this.#seeing = await make(guard);
    this.#acting = await make(actions?.guard);
  }
}
