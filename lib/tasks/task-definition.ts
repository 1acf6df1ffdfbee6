import { sharedRegistry } from '../shared-registry.js';
import type { LeaderTaskOptions } from './leader-task-options.interface.js';

export type AnyMethod = (this: unknown, ...args: unknown[]) => unknown;

/** A decorated method, recorded when its class is defined. */
export interface TaskDefinition {
  /** Index of the task's guard among those of an object. */
  readonly id: number;
  readonly key: string | symbol;
  readonly options: LeaderTaskOptions;
}

/** The guards of an object's tasks, by {@link TaskDefinition.id}. */
export const TASK_GUARDS = Symbol.for('nestjs-zookeeper-leader:task-guards');

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
 * refused: whoever guards it then returns true. There are none outside tests.
 */
export const lateGuards = sharedRegistry(
  'late-guards',
  () => new Set<(instance: object) => boolean>(),
);

/** Undefined if the method is one already. */
export function defineTask(
  prototype: object,
  key: string | symbol,
  options: LeaderTaskOptions,
): TaskDefinition | undefined {
  const known = definitions.byPrototype.get(prototype) ?? [];
  if (known.some((each) => each.key === key)) {
    return undefined;
  }
  const definition = { id: definitions.count++, key, options };
  definitions.byPrototype.set(prototype, [...known, definition]);
  return definition;
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
