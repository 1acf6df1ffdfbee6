import {
  refuseBareDecorator,
  refuseStandardDecorators,
} from '../decorator-checks.js';
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
 * Called on an object that the module does not know, the method throws, or
 * rejects if it is asynchronous, instead of running everywhere.
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
  // oxlint-disable-next-line prefer-rest-params
  refuseBareDecorator('@OnlyLeader()', arguments.length);
  const taskOptions =
    typeof options === 'string' ? { election: options } : options;
  return (
    target: object,
    key: string | symbol,
    descriptor: PropertyDescriptor,
  ) => {
    refuseStandardDecorators('@OnlyLeader()', key);
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
      guarded(original, {
        id: definition.id,
        name: describe(target, key),
        isAsync: isAsync(original, target, key),
      }),
      original,
    );
  };
}

interface Guarded {
  readonly [TASK_GUARDS]?: readonly (TaskGuard | undefined)[];
}

interface GuardedMethod {
  readonly id: number;
  /** As in `Class.method()`. */
  readonly name: string;
  /** Whether its callers expect a promise, even of an error. */
  readonly isAsync: boolean;
}

function guarded(
  original: AnyMethod,
  { id, name, isAsync: rejects }: GuardedMethod,
): AnyMethod {
  const find = (target: unknown): TaskGuard | undefined =>
    guardOf(target, id) ?? lateGuardOf(target, id);
  const refuse = (): Promise<never> => {
    const error = new Error(unknownInstanceMessage(name));
    if (rejects) {
      return Promise.reject(error);
    }
    throw error;
  };
  const call = function (this: unknown, ...args: unknown[]): unknown {
    return find(this)?.call(original, this, args);
  };
  return function (this: unknown): unknown {
    const guard = find(this);
    if (guard === undefined) {
      return refuse();
    }
    // `arguments` that are only passed on are never made: nothing is allocated
    // for a call that does nothing.
    return guard.declines()
      ? undefined
      : // oxlint-disable-next-line prefer-rest-params
        Reflect.apply(call, this, arguments);
  };
}

/** Also of a method that a compiler has turned into a plain function. */
function isAsync(
  method: AnyMethod,
  target: object,
  key: string | symbol,
): boolean {
  return (
    method.constructor.name === 'AsyncFunction' ||
    Reflect.getMetadata('design:returntype', target, key) === Promise
  );
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
