import type { LeaderTaskInfo } from '../tasks/leader-task-info.interface.js';
import type { LeaderTasks } from '../tasks/leader-tasks.js';

/** A task may be added, or its job stopped, without an event. */
const LONGEST_AGE_MS = 5_000;
/** Asking about many tasks takes its time: never more often than this. */
const SHORTEST_AGE_MS = 1_000;

/** The tasks of this application, asked for only when they may have changed. */
export class TaskInfos {
  /** Set when something has happened to a task. */
  isOutdated = true;
  readonly #tasks: Pick<LeaderTasks, 'list'>;
  #infos: ReadonlyMap<string, LeaderTaskInfo> = new Map();
  #askedAtMs = -Infinity;
  #nextTickMs = Infinity;

  constructor(tasks: Pick<LeaderTasks, 'list'>) {
    this.#tasks = tasks;
  }

  all(): ReadonlyMap<string, LeaderTaskInfo> {
    const ageMs = performance.now() - this.#askedAtMs;
    const mayHaveChanged =
      this.isOutdated ||
      ageMs >= LONGEST_AGE_MS ||
      Date.now() >= this.#nextTickMs;
    if (mayHaveChanged && ageMs >= SHORTEST_AGE_MS) {
      const infos = this.#tasks.list();
      this.#infos = new Map(infos.map((info) => [info.task, info]));
      this.#nextTickMs = Math.min(
        ...infos.map(({ nextTick }) => nextTick?.getTime() ?? Infinity),
      );
      this.isOutdated = false;
      this.#askedAtMs = performance.now();
    }
    return this.#infos;
  }
}
