import { OptionChecks, type OptionTable } from '../validate.js';
import type {
  DashboardActionsOptions,
  ZookeeperLeaderDashboardOptions,
} from './zookeeper-leader-dashboard-options.interface.js';

export const DASHBOARD_MODULE = 'ZookeeperLeaderDashboardModule';
/** Injection token of the options. */
export const DASHBOARD_OPTIONS = Symbol(
  'nestjs-zookeeper-leader:dashboard-options',
);
const checks = new OptionChecks(DASHBOARD_MODULE);

/** Every option of the dashboard: a new one is a line here. */
const OPTIONS: OptionTable<ZookeeperLeaderDashboardOptions> = {
  path: true,
  guard: true,
  actions: true,
  imports: true,
};

const ACTIONS: OptionTable<DashboardActionsOptions> = {
  guard: true,
  who: true,
};

/** The options with their defaults. */
export type CheckedDashboardOptions = ZookeeperLeaderDashboardOptions &
  Required<Pick<ZookeeperLeaderDashboardOptions, 'path' | 'imports'>>;

/**
 * @throws {TypeError} for an option that is not valid
 */
export function checkDashboardOptions(
  options: ZookeeperLeaderDashboardOptions,
): CheckedDashboardOptions {
  const {
    path = '/leadership',
    guard,
    actions,
    imports = [],
  } = checks.object(options, OPTIONS);
  if (typeof path !== 'string' || !/^\/?[\w~.-]+(\/[\w~.-]+)*$/.test(path)) {
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
    const { guard: acting } = checks.object(actions, ACTIONS, 'actions');
    if (acting !== false && !isGuard(acting)) {
      throw checks.error(
        'actions.guard',
        acting,
        'is needed to say who may act',
        "a guard's class, or false for everybody who can see the page",
      );
    }
  }
  if (actions?.who !== undefined && typeof actions.who !== 'function') {
    throw checks.error('actions.who', actions.who, 'is not a function');
  }
  if (!Array.isArray(imports)) {
    throw checks.error(
      'imports',
      imports,
      'is not a list',
      'a list of modules',
    );
  }
  return { ...options, path, imports };
}

function isGuard(value: unknown): boolean {
  return (
    typeof value === 'function' ||
    (typeof value === 'object' && value !== null && 'canActivate' in value)
  );
}
