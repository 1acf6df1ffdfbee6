import type { LeaderTask } from './leader-task.js';
import { LeaderTaskError } from './leader-task.error.js';
import { PlacedList } from './placed-list.js';
import type { TaskRunner } from './task-runner.js';

/** The tasks of an application, and which of them have runs that go on. */
export class TaskRegister {
  readonly #byName = new Map<string, LeaderTask>();
  readonly #replaceable = new Set<LeaderTask>();
  /** Those with runs, of tasks without a place in the register too. */
  readonly active = new PlacedList<TaskRunner>();
  /** Set when the application closes: runs go on, new ones are refused. */
  isClosing = false;

  get all(): LeaderTask[] {
    return [...this.#byName.values()];
  }

  get(name: string): LeaderTask | undefined {
    return this.#byName.get(name);
  }

  /**
   * @throws {LeaderTaskError} `UNKNOWN_TASK`
   */
  find(name: string): LeaderTask {
    const task = this.#byName.get(name);
    if (!task) {
      const known = [...this.#byName.keys()].map((each) => `"${each}"`);
      throw new LeaderTaskError(
        'UNKNOWN_TASK',
        `This application has no leader task "${name}"; it has ` +
          (known.join(', ') || 'none'),
      );
    }
    return task;
  }

  add(task: LeaderTask, isReplaceable: boolean): void {
    this.#byName.set(task.task, task);
    if (isReplaceable) {
      this.#replaceable.add(task);
    }
  }

  /** Whether `name` is free, after a replaceable task has made room. */
  makeRoom(name: string, mayReplace: boolean): boolean {
    const former = this.#byName.get(name);
    if (former && mayReplace && this.#replaceable.has(former)) {
      former.replace();
      this.#replaceable.delete(former);
      this.#byName.delete(name);
    }
    return !this.#byName.has(name);
  }

  /** `name` with the first number that makes it free. */
  numbered(name: string): string {
    let number = 2;
    while (this.#byName.has(`${name}#${number}`)) {
      number += 1;
    }
    return `${name}#${number}`;
  }
}
