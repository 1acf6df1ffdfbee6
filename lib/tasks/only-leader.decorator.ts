import type { LeaderTaskOptions } from './leader-task-options.interface.js';
import {
  TASK_GUARDS,
  defineTask,
  lateGuards,
  type AnyMethod,
} from './task-definition.js';
import type { TaskGuard } from './task-guard.interface.js';
import { unknownInstanceMessage } from '../zookeeper-leader.messages.js';

/**
 * Lets a method run on the leader only: on every other instance a call does
 * nothing and returns `undefined`. Stands on any method, above or below
 * `@Cron()`, `@Interval()` and `@Timeout()`; arguments, result, errors, name
 * and metadata are those of the method.
 *
 * Called on an object that the module does not know, the method throws instead
 * of running everywhere.
 *
 * @example
 * ```ts
 * @Cron('0 2 * * *')
 * @OnlyLeader()
 * async sendInvoices(): Promise<void> {}
 *
 * @OnlyLeader('billing')
 * @Interval(10_000)
 * pollPayments(): void {}
 * ```
 *
 * @publicApi
 */
export function OnlyLeader(
  options: string | LeaderTaskOptions = {},
): MethodDecorator {
  const taskOptions =
    typeof options === 'string' ? { election: options } : options;
  return (
    target: object,
    key: string | symbol,
    descriptor: PropertyDescriptor,
  ) => {
    const original = descriptor?.value as AnyMethod | undefined;
    if (typeof original !== 'function' || typeof target === 'function') {
      throw new TypeError(
        `@OnlyLeader() stands on ${describe(target, key)}, which is not an ` +
          'instance method. Put it on a method that is neither static nor an ' +
          'accessor.',
      );
    }
    const definition = defineTask(target, key, taskOptions);
    if (definition === undefined) {
      throw new TypeError(
        `@OnlyLeader() stands on ${describe(target, key)} more than once. Put ` +
          'all options into one.',
      );
    }
    descriptor.value = disguise(
      guarded(original, definition.id, describe(target, key)),
      original,
    );
  };
}

interface Guarded {
  readonly [TASK_GUARDS]?: readonly (TaskGuard | undefined)[];
}

function guarded(original: AnyMethod, id: number, name: string): AnyMethod {
  const find = (target: unknown): TaskGuard => {
    const guard = guardOf(target, id) ?? lateGuardOf(target, id);
    if (guard === undefined) {
      throw new Error(unknownInstanceMessage(name));
    }
    return guard;
  };
  const call = function (this: unknown, ...args: unknown[]): unknown {
    return find(this).call(original, this, args);
  };
  return function (this: unknown): unknown {
    // `arguments` that are only passed on are never made: nothing is allocated
    // for a call that does nothing.
    return find(this).declines()
      ? undefined
      : // oxlint-disable-next-line prefer-rest-params
        Reflect.apply(call, this, arguments);
  };
}

function guardOf(target: unknown, id: number): TaskGuard | undefined {
  return (target as Guarded | undefined)?.[TASK_GUARDS]?.[id];
}

function lateGuardOf(target: unknown, id: number): TaskGuard | undefined {
  const isObject = typeof target === 'object' && target !== null;
  return isObject && [...lateGuards].some((guard) => guard(target))
    ? guardOf(target, id)
    : undefined;
}

/** Makes `wrapper` look like `original` to other decorators and to people. */
function disguise(wrapper: AnyMethod, original: AnyMethod): AnyMethod {
  for (const key of Reflect.ownKeys(original)) {
    const property = Object.getOwnPropertyDescriptor(original, key);
    if (property && key !== 'prototype') {
      Object.defineProperty(wrapper, key, property);
    }
  }
  for (const key of Reflect.getOwnMetadataKeys(original)) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, original), wrapper);
  }
  return wrapper;
}

function describe(target: object, key: string | symbol): string {
  const owner = typeof target === 'function' ? target : target.constructor;
  return `${(owner as { name: string }).name}.${String(key)}()`;
}
