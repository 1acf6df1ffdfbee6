import { Logger } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { LOG_CONTEXT } from '../zookeeper-leader.constants.js';
import { settledWithin } from '../within.js';
import type { LeaderElections } from './leader-elections.js';
import {
  leadershipHooksOf,
  type LeadershipHook,
} from './leadership-hooks.decorator.js';
import type {
  LeadershipReason,
  LeadershipTerm,
} from './leadership.interface.js';

type HookMethod = (
  this: object,
  term: LeadershipTerm,
  reason: LeadershipReason,
) => unknown;

/** Calls the methods under `@OnElected()` and `@OnDeposed()`. */
export class LeadershipHooksExplorer {
  readonly #logger = new Logger(LOG_CONTEXT);
  /** Calls that have not ended, by election. */
  readonly #running = new Map<string, Set<Promise<void>>>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly elections: LeaderElections,
    drainTimeoutMs: number,
  ) {
    elections.addDrain(async (election) => {
      await settledWithin(this.#running.get(election) ?? [], drainTimeoutMs);
    });
  }

  /**
   * @throws {TypeError} for an unknown election or a class without a single
   * instance
   */
  explore(): void {
    const seen = new Set<unknown>();
    for (const wrapper of [
      ...this.discovery.getProviders(),
      ...this.discovery.getControllers(),
    ]) {
      const instance: unknown = wrapper.instance;
      if (
        typeof instance !== 'object' ||
        instance === null ||
        seen.has(instance)
      ) {
        continue;
      }
      seen.add(instance);
      for (const hook of leadershipHooksOf(instance)) {
        const name = `${instance.constructor.name}.${hook.methodName}()`;
        if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient) {
          throw new TypeError(
            `${name} is to be called when leadership changes, but there is no ` +
              'single object of its class. Give the class the default scope.',
          );
        }
        this.#follow(instance, hook, name);
      }
    }
  }

  #follow(instance: object, hook: LeadershipHook, name: string): void {
    const election = this.elections.find(hook.election, name);
    let term: LeadershipTerm | undefined;
    election.leadership$.subscribe((leadership) => {
      const former = term;
      term = leadership.role === 'leader' ? leadership.term : undefined;
      const due = hook.kind === 'elected' ? term : former;
      if (due && former !== term) {
        this.#call(instance, hook, name, due, leadership.reason);
      }
    });
  }

  #call(
    instance: object,
    { election, methodName }: LeadershipHook,
    name: string,
    term: LeadershipTerm,
    reason: LeadershipReason,
  ): void {
    const running = this.#running.get(election) ?? new Set();
    this.#running.set(election, running);
    const call = this.#callSafely(instance, methodName, name, term, reason);
    running.add(call);
    void call.then(() => running.delete(call));
  }

  async #callSafely(
    instance: object,
    methodName: string,
    name: string,
    term: LeadershipTerm,
    reason: LeadershipReason,
  ): Promise<void> {
    try {
      const method = (instance as Record<string, HookMethod>)[methodName];
      await method?.call(instance, term, reason);
    } catch (error) {
      this.#logger.error(
        `${name} failed when leadership changed (${reason})`,
        error instanceof Error ? error.stack : String(error),
      );
    }
  }
}
