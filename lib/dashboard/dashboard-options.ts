import { invalidOptionMessage } from '../zookeeper-leader.messages.js';
import type { ZookeeperLeaderDashboardOptions } from './zookeeper-leader-dashboard-options.interface.js';

/** The options with their defaults. */
export type CheckedDashboardOptions = ZookeeperLeaderDashboardOptions &
  Required<Pick<ZookeeperLeaderDashboardOptions, 'path' | 'imports'>>;

/**
 * @throws {TypeError} for an option that is not valid
 */
export function checkDashboardOptions(
  options: ZookeeperLeaderDashboardOptions,
): CheckedDashboardOptions {
  const { path = '/leadership', guard, actions, imports = [] } = options ?? {};
  if (typeof path !== 'string' || !/^\/?[\w~.-]+(\/[\w~.-]+)*$/.test(path)) {
    throw invalid('path', path, 'is no path', 'one such as "/leadership"');
  }
  if (guard !== undefined && !isGuard(guard)) {
    throw invalid('guard', guard, 'is no guard', 'its class, or an object');
  }
  const acting: unknown = actions?.guard;
  if (actions !== undefined && acting !== false && !isGuard(acting)) {
    throw invalid(
      'actions.guard',
      acting,
      'is needed to say who may act',
      "a guard's class, or false for everybody who can see the page",
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
