import { Inject, Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { LibraryLogger } from '../library-logger.js';
import { LeaderElections } from '../election/leader-elections.js';
import { leadershipHooksOf } from '../decorators/leadership-hooks.decorator.js';
import {
  DEFAULT_ELECTION,
  RESOLVED_OPTIONS,
} from '../zookeeper-leader.constants.js';
import {
  answersRequestsMessage,
  lonelyElectionMessage,
  noSchedulerMessage,
  notScheduledMessage,
  notStaticProviderMessage,
  severalSchedulersMessage,
  unguardedOverrideMessage,
} from '../zookeeper-leader.messages.js';
import type { ResolvedOptions } from '../zookeeper-leader.options.js';
import { LeaderTasks } from './leader-tasks.js';
import {
  lateGuards,
  nameOf,
  tasksOf,
  type TaskDefinition,
} from './only-leader.decorator.js';
import { Schedules } from './schedule/schedules.js';

type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];

interface FoundTask {
  readonly instance: object;
  readonly definition: TaskDefinition;
}

/** Finds the methods under `@OnlyLeader()` of an application. */
@Injectable()
export class TaskExplorer {
  readonly #logger = new LibraryLogger();
  /** Objects whose methods were called before {@link explore}. */
  readonly #early = new WeakSet<object>();
  readonly #stopGuardingEarly: () => void;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly elections: LeaderElections,
    private readonly tasks: LeaderTasks,
    private readonly schedules: Schedules,
    @Inject(RESOLVED_OPTIONS)
    private readonly options: Pick<ResolvedOptions, 'elections'>,
  ) {
    this.#stopGuardingEarly = guardEarly(new WeakRef(this));
  }

  /**
   * @throws {TypeError} for an unknown election, and for a task that cannot work
   */
  explore(): void {
    this.#stopGuardingEarly();
    const { schedulerCount } = this.schedules;
    if (schedulerCount > 1) {
      this.#logger.warn(severalSchedulersMessage(schedulerCount));
    }
    // Injected ones so far; tasks and hooks come now.
    const used = new Set(this.elections.names);
    const seen = new Set<unknown>();
    const found: FoundTask[] = [];
    for (const wrapper of this.#wrappers) {
      const instance: unknown = wrapper.instance;
      if (
        typeof instance === 'object' &&
        instance !== null &&
        !seen.has(instance)
      ) {
        seen.add(instance);
        leadershipHooksOf(instance).forEach((hook) => used.add(hook.election));
        found.push(...this.#explore(wrapper, instance));
      }
    }
    if (this.options.elections === undefined) {
      this.#warnOfLonelyElections(found, used);
    }
  }

  /**
   * Makes the methods of one object work, and leaves the others alone: they may
   * not have been made yet.
   *
   * @returns false for an object that is not of this application
   */
  guardEarly(instance: object): boolean {
    const wrapper = this.#wrappers.find((each) => each.instance === instance);
    if (!wrapper) {
      return false;
    }
    this.#guard(wrapper, instance, tasksOf(instance));
    this.#early.add(instance);
    return true;
  }

  get #wrappers(): InstanceWrapper[] {
    return [
      ...this.discovery.getProviders(),
      ...this.discovery.getControllers(),
    ];
  }

  /**
   * Warns of elections that only one decorator names: a name that was meant for
   * the task, or a slip of the pen.
   */
  #warnOfLonelyElections(
    all: readonly FoundTask[],
    usedElsewhere: ReadonlySet<string>,
  ): void {
    const users = new Map<string, string[]>();
    for (const { instance, definition } of all) {
      const { election = DEFAULT_ELECTION } = definition.options;
      const others = users.get(election) ?? [];
      users.set(election, [...others, nameOf(instance, definition.key)]);
    }
    for (const [election, [first, ...others]] of users) {
      const isUsed = others.length > 0 || usedElsewhere.has(election);
      if (first !== undefined && !isUsed && election !== DEFAULT_ELECTION) {
        this.#logger.warn(lonelyElectionMessage(first, election));
      }
    }
  }

  #explore(wrapper: InstanceWrapper, instance: object): FoundTask[] {
    const definitions = tasksOf(instance);
    if (definitions.length > 0 && !this.#early.has(instance)) {
      this.#guard(wrapper, instance, definitions);
    }
    const seen = new Set<string | symbol>();
    for (const definition of definitions) {
      if (!seen.has(definition.key)) {
        seen.add(definition.key);
        this.#warn(instance, definition);
      }
    }
    return definitions.map((definition) => ({ instance, definition }));
  }

  #guard(
    wrapper: InstanceWrapper,
    instance: object,
    definitions: readonly TaskDefinition[],
  ): void {
    const [first] = definitions;
    if (first && (!wrapper.isDependencyTreeStatic() || wrapper.isTransient)) {
      throw new TypeError(
        notStaticProviderMessage(
          nameOf(instance, first.key),
          wrapper.isTransient ? 'transient' : 'request-scoped',
        ),
      );
    }
    this.tasks.guard(instance, definitions);
  }

  #warn(instance: object, definition: TaskDefinition): void {
    const { key, options } = definition;
    const method = (instance as Record<string | symbol, unknown>)[key];
    const { hasScheduler } = this.schedules;
    const isScheduled =
      this.schedules.ofMethod(instance, key).description !== undefined;
    const name = nameOf(instance, definition.key);
    if (isScheduled && isOverridden(instance, definition)) {
      this.#logger.warn(
        unguardedOverrideMessage(
          name,
          nameOf(definition.prototype, definition.key),
        ),
      );
    }
    if (options.scheduled === false) {
      return;
    }
    if (isScheduled && !hasScheduler) {
      this.#logger.warn(noSchedulerMessage(name));
    } else if (!isScheduled && answersRequests(method)) {
      this.#logger.warn(answersRequestsMessage(name));
    } else if (!isScheduled && hasScheduler) {
      this.#logger.warn(notScheduledMessage(name));
    }
  }
}

/**
 * With `isGlobal: false`, Nest may initialise a module before this one, and call a
 * decorated method in its `onModuleInit()`. Holds no application whose start failed.
 */
function guardEarly(held: WeakRef<TaskExplorer>): () => void {
  const stop = (): void => void lateGuards.delete(guard);
  const guard = (instance: object): boolean => {
    const explorer = held.deref();
    if (!explorer) {
      stop();
      return false;
    }
    return explorer.guardEarly(instance);
  };
  lateGuards.add(guard);
  return stop;
}

/** Whether a derived class has a method of that name without the decorator. */
function isOverridden(
  instance: object,
  { key, prototype }: TaskDefinition,
): boolean {
  let owner: unknown = Object.getPrototypeOf(instance);
  while (
    typeof owner === 'object' &&
    owner !== null &&
    !Object.hasOwn(owner, key)
  ) {
    owner = Object.getPrototypeOf(owner);
  }
  return owner !== prototype;
}

/**
 * Metadata that Nest's decorators leave on a method that answers requests: of
 * routes, messages, gateways and resolvers.
 */
const REQUEST_METADATA = [
  'path',
  'microservices:pattern',
  'websockets:message_mapping',
  'graphql:resolver_type',
];

function answersRequests(method: unknown): boolean {
  return (
    typeof method === 'function' &&
    REQUEST_METADATA.some((key) => Reflect.hasMetadata(key, method))
  );
}
