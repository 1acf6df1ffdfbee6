import {
  refuseBareDecorator,
  refuseStandardDecorators,
} from '../decorator-checks.js';
import { sharedRegistry } from '../shared-registry.js';
import { DEFAULT_ELECTION } from '../zookeeper-leader.constants.js';
import { checkElectionName } from '../zookeeper-leader.options.js';

/** When a hook is called. */
export type LeadershipHookKind = 'elected' | 'deposed';

/** A method that wants to know of a change of leadership. */
export interface LeadershipHook {
  readonly kind: LeadershipHookKind;
  readonly election: string;
  readonly key: string | symbol;
}

/** Hooks by the prototype that they stand on. */
const hooks = sharedRegistry(
  'leadership-hooks',
  () => new WeakMap<object, LeadershipHook[]>(),
);

/**
 * Has a method called when this instance becomes the leader, with the
 * {@link LeadershipTerm}. An error that it throws is logged; how long it takes
 * holds nobody up, so look at `term.signal` in long ones.
 *
 * @param election name of the election, `default` if left out
 * @throws {TypeError} (when the class is defined) for a static method
 *
 * @example
 * ```ts
 * @OnElected()
 * async openQueue(term: LeadershipTerm): Promise<void> {
 *   await this.queue.consume({ signal: term.signal });
 * }
 * ```
 *
 * @publicApi
 */
export function OnElected(
  election: string = DEFAULT_ELECTION,
): MethodDecorator {
  // oxlint-disable-next-line prefer-rest-params
  refuseBareDecorator('@OnElected()', arguments.length);
  return leadershipHook('elected', election);
}

/**
 * Has a method called when this instance's leadership has ended, with the
 * {@link LeadershipTerm} that is over and the {@link LeadershipReason}. After
 * `resign()`, `withdraw()` and at shutdown, the next instance waits for the method,
 * for at most `drainTimeoutMs`. An error that the method throws is logged.
 *
 * Spring calls this event `OnRevokedEvent`.
 *
 * @param election name of the election, `default` if left out
 * @throws {TypeError} (when the class is defined) for a static method
 *
 * @example
 * ```ts
 * @OnDeposed()
 * async closeQueue(term: LeadershipTerm, reason: LeadershipReason) {
 *   await this.queue.stop();
 * }
 * ```
 *
 * @publicApi
 */
export function OnDeposed(
  election: string = DEFAULT_ELECTION,
): MethodDecorator {
  // oxlint-disable-next-line prefer-rest-params
  refuseBareDecorator('@OnDeposed()', arguments.length);
  return leadershipHook('deposed', election);
}

/** The hooks of an object: its class's own and those it inherits. */
export function leadershipHooksOf(instance: object): LeadershipHook[] {
  const found: LeadershipHook[] = [];
  for (
    let prototype: unknown = Object.getPrototypeOf(instance);
    typeof prototype === 'object' && prototype !== null;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    for (const hook of hooks.get(prototype) ?? []) {
      // An overriding method that is decorated again is one hook, not two.
      const isKnown = found.some(
        ({ kind, election, key }) =>
          kind === hook.kind && election === hook.election && key === hook.key,
      );
      if (!isKnown) {
        found.push(hook);
      }
    }
  }
  return found;
}

function leadershipHook(
  kind: LeadershipHookKind,
  election: string,
): MethodDecorator {
  const decorator = kind === 'elected' ? '@OnElected()' : '@OnDeposed()';
  checkElectionName(election, decorator);
  return (target, key, descriptor) => {
    refuseStandardDecorators(decorator, key);
    const isMethod = typeof descriptor?.value === 'function';
    if (!isMethod || typeof target === 'function') {
      throw new TypeError(
        `${decorator} stands on ${String(key)}, which is not an instance ` +
          'method. Put it on a method that is neither static nor an accessor.',
      );
    }
    const known = hooks.get(target) ?? [];
    hooks.set(target, [...known, { kind, election, key }]);
  };
}
