import { DiscoveryService } from '@nestjs/core';
import { LibraryLogger } from '../library-logger.js';
import { stackOf } from '../message-of.js';
import { settledWithin } from '../within.js';
import type { LeaderElections } from '../election/leader-elections.js';
import {
  leadershipHooksOf,
  type LeadershipHook,
} from './leadership-hooks.decorator.js';
import type {
  LeadershipReason,
  LeadershipTerm,
} from '../election/leadership.interface.js';

type HookMethod = (
  this: object,
  term: LeadershipTerm,
  reason: LeadershipReason,
) => unknown;

/** A call of a hook that goes on. */
interface HookCall {
  readonly election: string;
  /** The method, for people. */
  readonly name: string;
  readonly ended: Promise<void>;
}

/** Calls the methods under `@OnElected()` and `@OnDeposed()`. */
export class LeadershipHooksExplorer {
  readonly #logger = new LibraryLogger();
  readonly #drainTimeoutMs: number;
  /** Calls that have not ended and have not been given up. */
  readonly #running = new Set<HookCall>();

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly elections: LeaderElections,
    drainTimeoutMs: number,
  ) {
    this.#drainTimeoutMs = drainTimeoutMs;
    elections.addDrain((election) => this.#drain(election));
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
        const name = `${instance.constructor.name}.${String(hook.key)}()`;
        if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient) {
          throw new TypeError(
            `${name} listens to changes of leadership, but its class has no single ` +
              'object. Give the class, and all that it injects, the default scope.',
          );
        }
        this.#follow(instance, hook, name);
      }
    }
  }

  #follow(instance: object, hook: LeadershipHook, name: string): void {
    const election = this.elections.find(hook.election, name);
    const methods = instance as Record<string | symbol, HookMethod>;
    let term: LeadershipTerm | undefined;
    election.leadership$.subscribe((leadership) => {
      const former = term;
      term = leadership.role === 'leader' ? leadership.term : undefined;
      const due = hook.kind === 'elected' ? term : former;
      if (due && former !== term) {
        const { reason } = leadership;
        const ended = this.#callSafely(name, reason, () =>
          methods[hook.key]?.call(instance, due, reason),
        );
        const call: HookCall = { election: hook.election, name, ended };
        this.#running.add(call);
        void ended.then(() => this.#running.delete(call));
      }
    });
  }

  /** Waits for what hooks have begun, for each call once. */
  async #drain(election: string): Promise<void> {
    const calls = [...this.#running].filter(
      (call) => call.election === election,
    );
    const ended = calls.map((call) => call.ended);
    if (await settledWithin(ended, this.#drainTimeoutMs)) {
      return;
    }
    for (const call of calls) {
      if (this.#running.delete(call)) {
        this.#logger.warn(
          `${call.name} has not ended within ${this.#drainTimeoutMs} ms ` +
            `(drainTimeoutMs). The election "${election}" no longer waits for it: ` +
            'the next leader may begin while it runs',
        );
      }
    }
  }

  async #callSafely(
    name: string,
    reason: LeadershipReason,
    call: () => unknown,
  ): Promise<void> {
    try {
      await call();
    } catch (error) {
      this.#logger.error(
        `${name} failed when leadership changed (${reason})`,
        stackOf(error),
      );
    }
  }
}
