import { Logger } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { LOG_CONTEXT } from '../zookeeper-leader.constants.js';
import {
  answersRequestsMessage,
  noSchedulerMessage,
  notScheduledMessage,
  notStaticProviderMessage,
  severalSchedulersMessage,
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
    private readonly tasks: LeaderTasks,
    private readonly schedules: ScheduleFinder,
  ) {}

  /**
   * @throws {TypeError} for an unknown election, and for a task that cannot work
   */
  explore(): void {
    if (this.schedules.schedulerCount > 1) {
      this.#logger.warn(
        severalSchedulersMessage(this.schedules.schedulerCount),
      );
    }
    const seen = new Set<unknown>();
    for (const wrapper of [
      ...this.discovery.getProviders(),
      ...this.discovery.getControllers(),
    ]) {
      if (!seen.has(wrapper.instance)) {
        seen.add(wrapper.instance);
        this.#exploreTasks(wrapper);
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
    if (options.scheduled === false) {
      return;
    }
    const method = (instance as Record<string | symbol, unknown>)[key];
    const { hasScheduler } = this.schedules;
    const isScheduled = this.schedules.ofMethod(method) !== undefined;
    const name = nameOf(instance, definition);
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

function nameOf(instance: object, { key }: TaskDefinition): string {
  return `${instance.constructor.name}.${String(key)}()`;
}
