import {
  refuseBareDecorator,
  refuseStandardDecorators,
} from '../decorator-checks.js';
import type { LeaderTaskOptions } from '../interfaces/leader-task-options.interface.js';
import { sharedRegistry } from '../shared-registry.js';
import { unknownInstanceMessage } from '../zookeeper-leader.messages.js';

export type AnyMethod = (this: unknown, ...args: unknown[]) => unknown;

/** What a guarded call is directed to. */
export interface TaskGuard {
  /** Whether the task, or its application, has ended. */
  readonly isOver: boolean;
  /**
   * Whether a call is to do nothing, as far as can be told at once: then it has
   * been counted and reported. Allocates nothing, unless somebody listens.
   */
  declines(): boolean;
  /** A call that was not declined. */
  call(method: AnyMethod, target: unknown, args: ArrayLike<unknown>): unknown;
}

/** A decorated method, recorded when its class is defined. */
export interface TaskDefinition {
  /** Index of the task's guard among those of an object. */
  readonly id: number;
  readonly key: string | symbol;
  readonly options: LeaderTaskOptions;
  /** Whether the method itself is an async function. */
  readonly isAsync: boolean;
  /** Of the class on whose method it stands. */
  readonly prototype: object;
}

/** The guards of an object's tasks, by {@link TaskDefinition.id}. */
export const TASK_GUARDS = Symbol.for('nestjs-zookeeper-leader:task-guards');

export interface Guarded {
  readonly [TASK_GUARDS]?: readonly (TaskGuard | undefined)[];
}

/**
 * Definitions by the prototype that they stand on. Not a mark on the method:
 * other decorators may put a function of their own around it.
 */
const definitions = sharedRegistry('task-definitions', () => ({
  byPrototype: new WeakMap<object, TaskDefinition[]>(),
  count: 0,
}));

/**
 * Asked about an object that nobody has guarded, before a call of its task is
 * refused: one that guards it then returns true. Outside tests there is one for
 * each application that starts.
 */
export const lateGuards = sharedRegistry(
  'late-guards',
  () => new Set<(instance: object) => boolean>(),
);

/**
 * Lets a method run on the leader only: on every other instance a call does
 * nothing and returns `undefined`. Stands on any method, above or below
 * `@Cron()`, `@Interval()` and `@Timeout()`; arguments, result, errors, name
 * and metadata are those of the method. With a run ledger a call always returns a
 * promise.
 *
 * A text is the name of the election, not of the task: that is the option `task`.
 *
 * Called on an object that the module does not know, the method throws, or
 * rejects if it is asynchronous, instead of running everywhere.
 *
 * @throws {TypeError} (when the class is defined) for what is no instance method; at
 * start for an option that is not valid
 *
 * @example
 * ```ts
 * @Cron('0 2 * * *')
 * @OnlyLeader({ task: 'invoices', ledger: true })
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
  if (typeof options === 'function') {
    throw misplaced((options as { name: string }).name);
  }
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
      const isClass = typeof target === 'function' && key === undefined;
      throw misplaced(isClass ? target.name : nameOf(target, key));
    }
    const known = definitions.byPrototype.get(target) ?? [];
    if (known.some((each) => each.key === key)) {
      throw new TypeError(
        `@OnlyLeader() stands on ${nameOf(target, key)} more than once. Put ` +
          'all options into one.',
      );
    }
    const definition: TaskDefinition = {
      id: definitions.count++,
      key,
      options: taskOptions,
      isAsync:
        isAsync(original) ||
        // A compiler may have made a plain function of it.
        Reflect.getMetadata('design:returntype', target, key) === Promise,
      prototype: target,
    };
    definitions.byPrototype.set(target, [...known, definition]);
    const name = nameOf(target, key);
    descriptor.value = disguise(guarded(original, definition, name), original);
  };
}

function misplaced(where: string): TypeError {
  return new TypeError(
    `@OnlyLeader() stands on ${where}, which is not an instance method. Put it ` +
      'on a method that is neither static nor an accessor.',
  );
}

/** The tasks of an object: its class's own first, then those it inherits. */
export function tasksOf(instance: object): TaskDefinition[] {
  const found: TaskDefinition[] = [];
  for (
    let prototype: unknown = Object.getPrototypeOf(instance);
    typeof prototype === 'object' && prototype !== null;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    found.push(...(definitions.byPrototype.get(prototype) ?? []));
  }
  return found;
}

/** Whether calls of `fn` give a promise for sure. */
export function isAsync(fn: unknown): boolean {
  return typeof fn === 'function' && fn.constructor?.name === 'AsyncFunction';
}

/** As in `Class.method()`. */
export function nameOf(owner: object, key: string | symbol): string {
  const { name } = typeof owner === 'function' ? owner : owner.constructor;
  return `${name}.${String(key)}()`;
}

/**
 * A function that leaves calls of `original` to a guard.
 *
 * @param find the guard of what the function is called on
 * @param refuse answers a call on what has none
 */
export function guardedBy(
  find: (target: unknown) => TaskGuard | undefined,
  original: AnyMethod,
  refuse?: () => unknown,
): AnyMethod {
  const call = function (this: unknown, ...args: unknown[]): unknown {
    return find(this)?.call(original, this, args);
  };
  return function (this: unknown): unknown {
    const guard = find(this);
    if (guard === undefined) {
      return refuse?.();
    }
    // `arguments` that are only passed on are never made: nothing is allocated
    // for a call that does nothing.
    return guard.declines()
      ? undefined
      : // oxlint-disable-next-line prefer-rest-params
        Reflect.apply(call, this, arguments);
  };
}

function guarded(
  original: AnyMethod,
  { id, isAsync: rejects }: TaskDefinition,
  name: string,
): AnyMethod {
  return guardedBy(
    (target) => guardOf(target, id) ?? lateGuardOf(target, id),
    original,
    () => {
      const error = new Error(unknownInstanceMessage(name));
      if (rejects) {
        return Promise.reject(error);
      }
      throw error;
    },
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
