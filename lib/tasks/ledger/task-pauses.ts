import type { Logger } from '@nestjs/common';
import { encodeSegment } from '../../node-paths.js';
import { isZookeeperError } from '../../zookeeper/zookeeper.error.js';
import type { TaskPause } from '../leader-task-info.interface.js';
import {
  newLedger,
  parseLedger,
  paused,
  pauseOf,
  resumed,
  type NewPause,
} from './ledger.js';
import { childrenOf, type Nodes } from '../../session/nodes.js';
import { LedgerStore } from './ledger-store.js';
import { MemoryClient } from './memory-client.js';
import { NodeWatch } from '../../session/node-watch.js';

interface PausableTask {
  readonly task: string;
  readonly hasLedger: boolean;
  setPause(pause: TaskPause | undefined): void;
  /** Has a task with a ledger do what it owes. */
  look(): void;
}

/**
 * Tells the tasks of a leader which of them are paused. A pause is kept in the
 * node of the task. A task with a ledger sees it at its next claim, and gets a
 * message at its end. A task without a ledger gets a message for both: a call made
 * before the message arrives still runs.
 */
export class TaskPauses {
  /** Resolves after the next look; undefined while there is none to wait for. */
  known: Promise<void> | undefined;
  #setKnown: (() => void) | undefined;
  readonly #nodes: Nodes;
  readonly #tasks: ReadonlyMap<string, PausableTask>;
  readonly #watch: NodeWatch;
  /** Names of tasks with a ledger that were found paused. */
  readonly #paused = new Set<string>();

  constructor(
    nodes: Nodes,
    tasks: ReadonlyMap<string, PausableTask>,
    logger: Logger,
  ) {
    this.#nodes = nodes;
    this.#tasks = tasks;
    this.#watch = new NodeWatch(
      nodes.client,
      (changed) => this.#read(changed),
      {
        what: 'Which leader tasks are paused',
        path: nodes.paths.tasks,
        logger,
        onProblem: () => this.#tellKnown(),
      },
    );
  }

  /** A term has begun. */
  start(): void {
    if (!this.#watch.isRunning) {
      this.#awaitLook();
      this.#watch.start();
    }
  }

  stop(): void {
    this.#watch.stop();
    this.#tellKnown();
    this.#paused.clear();
  }

  /** A task with a ledger was found paused: it is told at the end of the pause. */
  follow({ task }: { readonly task: string }): void {
    if (!this.#paused.has(task)) {
      this.#paused.add(task);
      this.#watch.look();
    }
  }

  /** There is a new task. */
  look(): void {
    this.#awaitLook();
    this.#watch.look();
  }

  /** In memory there is nothing that the process does not know. */
  #awaitLook(): void {
    if (!(this.#nodes.client instanceof MemoryClient)) {
      this.known ??= new Promise((resolve) => {
        this.#setKnown = resolve;
      });
    }
  }

  #tellKnown(): void {
    this.known = undefined;
    this.#setKnown?.();
  }

  async #read(changed: () => void): Promise<void> {
    const { client, paths } = this.#nodes;
    const names = new Set(await childrenOf(client, paths.tasks, changed));
    const tasks = [...this.#tasks.values()].filter(
      ({ hasLedger, task }) => !hasLedger || this.#paused.has(task),
    );
    await Promise.all(
      tasks.map(async (task) => {
        const found = names.has(encodeSegment(task.task))
          ? await this.#pauseOf(task.task, changed)
          : undefined;
        if (!task.hasLedger) {
          task.setPause(found);
        } else if (!found) {
          this.#paused.delete(task.task);
          task.look();
        }
      }),
    );
    this.#tellKnown();
  }

  async #pauseOf(
    task: string,
    changed: () => void,
  ): Promise<TaskPause | undefined> {
    const { client, paths } = this.#nodes;
    try {
      const { data } = await client.get(paths.task(task), changed);
      return pauseOf(parseLedger(data, task));
    } catch (error) {
      if (isZookeeperError(error, 'NO_NODE') || error instanceof TypeError) {
        return undefined;
      }
      throw error;
    }
  }
}

/** What comes next is not known here: any leader may claim any tick. */
const UNDECIDED = { token: Number.MIN_SAFE_INTEGER, tick: 0 };

/**
 * Pauses a task in the whole cluster. Resolves to the pause, which is the former
 * one if the task was paused already.
 *
 * @throws {ZookeeperError} (rejects) when ZooKeeper cannot be reached
 * @throws {LeaderTaskError} (rejects) `LEDGER_CORRUPT`
 */
export async function pauseTask(
  nodes: Nodes,
  task: string,
  { by, reason }: NewPause,
): Promise<TaskPause> {
  const at = Date.now();
  const ledger = await new LedgerStore(nodes, task).change(
    (known) =>
      paused(known ?? newLedger(task, { ...UNDECIDED, since: at }), {
        at,
        by,
        reason,
      }),
    AbortSignal.abort(),
  );
  return (ledger && pauseOf(ledger)) as TaskPause;
}

/**
 * Ends the pause of a task. Resolves to whether it was paused.
 *
 * @param catchUp whether the ticks of the pause count as missed
 * @throws {ZookeeperError} (rejects) when ZooKeeper cannot be reached
 * @throws {LeaderTaskError} (rejects) `LEDGER_CORRUPT`
 */
export async function resumeTask(
  nodes: Nodes,
  task: string,
  catchUp: boolean,
): Promise<boolean> {
  let wasPaused = false;
  await new LedgerStore(nodes, task).change((known) => {
    const next = known && resumed(known, catchUp ? undefined : Date.now());
    wasPaused ||= next !== undefined;
    return next;
  }, AbortSignal.abort());
  return wasPaused;
}
