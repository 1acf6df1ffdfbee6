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
import { tasksOf } from './task-definition.js';

type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** Metadata key under which `@nestjs/schedule` marks a scheduled method. */
const SCHEDULER_TYPE = 'SCHEDULER_TYPE';

/** Finds what the application's classes want from the library. */
export class TaskExplorer {
  readonly #logger = new Logger(LOG_CONTEXT);

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly elections: LeaderElections,
    private readonly tasks: LeaderTasks,
  ) {}

  /**
   * @throws {TypeError} for an unknown election
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
    const owner = instance.constructor.name;
    if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient) {
      const scope = wrapper.isTransient ? 'transient' : 'request-scoped';
      for (const { methodName } of definitions) {
        throw new TypeError(
          notStaticProviderMessage(`${owner}.${methodName}()`, scope),
        );
      }
    }
    this.tasks.guard(
      instance,
      definitions.map((definition) => {
        const isScheduled = isScheduledMethod(instance, definition.methodName);
        if (!isScheduled) {
          this.#logger.debug(
            notScheduledMessage(`${owner}.${definition.methodName}()`),
          );
        }
        return { definition, isScheduled };
      }),
    );
  }
}

function isScheduledMethod(instance: object, name: string): boolean {
  const method: unknown = (instance as Record<string, unknown>)[name];
  return (
    typeof method === 'function' && Reflect.hasMetadata(SCHEDULER_TYPE, method)
  );
}
