import type { LeaderElections } from '../election/leader-elections.js';
import { DEFAULT_ELECTION } from '../zookeeper-leader.constants.js';
import { settledWithin } from '../within.js';
import { TASK_GUARDS, type TaskDefinition } from './task-definition.js';
import { TaskGuard } from './task-guard.js';

/** The leader tasks of one application. */
export class LeaderTasks {
  readonly #elections: LeaderElections;
  readonly #drainTimeoutMs: number;
  readonly #guards = new Set<TaskGuard>();

  constructor(elections: LeaderElections, drainTimeoutMs: number) {
    this.#elections = elections;
    this.#drainTimeoutMs = drainTimeoutMs;
    elections.addDrain((election) => this.#drain(election));
    elections.guardFunctionsBy((election, task) => {
      const guard = new TaskGuard(
        task.name || 'anonymous function',
        election,
        task.constructor.name === 'AsyncFunction',
      );
      this.#guards.add(guard);
      return function (...args) {
        return guard.run(task as never, this, args) as
          ReturnType<typeof task> | undefined;
      };
    });
  }

  /** Makes the tasks of `instance` work. */
  guard(
    instance: object,
    tasks: readonly { definition: TaskDefinition; isScheduled: boolean }[],
  ): void {
    const guards: (TaskGuard | undefined)[] = [];
    const owner = instance.constructor.name;
    for (const { definition, isScheduled } of tasks) {
      const method = `${owner}.${definition.methodName}`;
      const { election = DEFAULT_ELECTION, task = method } = definition.options;
      const guard = new TaskGuard(
        task,
        this.#elections.find(election, `@OnlyLeader() on ${method}()`),
        isScheduled || isAsyncMethod(instance, definition.methodName),
      );
      this.#guards.add(guard);
      guards[definition.id] = guard;
    }
    Object.defineProperty(instance, TASK_GUARDS, {
      value: guards,
      configurable: true,
    });
  }

  /** Refuses new runs and waits for those that go on, within the bound. */
  async close(): Promise<void> {
    for (const guard of this.#guards) {
      guard.isClosed = true;
    }
    await this.#drain();
  }

  async #drain(election?: string): Promise<void> {
    const running = [...this.#guards]
      .filter(
        (guard) => election === undefined || guard.election.name === election,
      )
      .flatMap((guard) => [...guard.running]);
    await settledWithin(running, this.#drainTimeoutMs);
  }
}

function isAsyncMethod(instance: object, name: string): boolean {
  const method: unknown = (instance as Record<string, unknown>)[name];
  return (
    typeof method === 'function' && method.constructor.name === 'AsyncFunction'
  );
}
