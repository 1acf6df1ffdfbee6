import { Logger } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { electionsInjectedInto } from '../election/inject-leader-election.decorator.js';
import type { LeaderElections } from '../election/leader-elections.js';
import {
  DEFAULT_ELECTION,
  LOG_CONTEXT,
} from '../zookeeper-leader.constants.js';
import {
  notScheduledMessage,
  notStaticProviderMessage,
} from '../zookeeper-leader.messages.js';
import type { LeaderTasks } from './leader-tasks.js';
import type { ScheduleFinder } from './schedule/schedule-finder.js';
import { tasksOf, type TaskDefinition } from './task-definition.js';

type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** Finds what the application's classes want from the library. */
export class TaskExplorer {
  readonly #logger = new Logger(LOG_CONTEXT);

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly elections: LeaderElections,
    private readonly tasks: LeaderTasks,
    private readonly schedules: ScheduleFinder,
  ) {}

  /**
   * @throws {TypeError} for an unknown election, and for a task that cannot work
   */
  explore(): void {
    this.elections.find(DEFAULT_ELECTION, 'the module');
    const seen = new Set<unknown>();
    for (const wrapper of [
      ...this.discovery.getProviders(),
      ...this.discovery.getControllers(),
    ]) {
      this.#exploreElections(wrapper);
      if (!seen.has(wrapper.instance)) {
        seen.add(wrapper.instance);
        this.#exploreTasks(wrapper);
      }
    }
  }

  #exploreElections({ metatype }: InstanceWrapper): void {
    if (typeof metatype === 'function') {
      for (const name of electionsInjectedInto(metatype)) {
        this.elections.find(
          name,
          `@InjectLeaderElection() of ${metatype.name}`,
        );
      }
    }
  }

  #exploreTasks(wrapper: InstanceWrapper): void {
    const instance: unknown = wrapper.instance;
    if (typeof instance !== 'object' || instance === null) {
      return;
    }
    const definitions = tasksOf(instance);
    if (definitions.length === 0) {
      return;
    }
    const [first] = definitions;
    if (first && (!wrapper.isDependencyTreeStatic() || wrapper.isTransient)) {
      throw new TypeError(
        notStaticProviderMessage(
          nameOf(instance, first),
          wrapper.isTransient ? 'transient' : 'request-scoped',
        ),
      );
    }
    this.tasks.guard(instance, definitions);
    for (const definition of definitions) {
      this.#warnIfUnscheduled(instance, definition);
    }
  }

  #warnIfUnscheduled(instance: object, definition: TaskDefinition): void {
    const { key, options } = definition;
    const method = (instance as Record<string | symbol, unknown>)[key];
    if (
      options.scheduled !== false &&
      this.schedules.hasScheduler &&
      !this.schedules.ofMethod(method)
    ) {
      this.#logger.warn(notScheduledMessage(nameOf(instance, definition)));
    }
  }
}

function nameOf(instance: object, { key }: TaskDefinition): string {
  return `${instance.constructor.name}.${String(key)}()`;
}
