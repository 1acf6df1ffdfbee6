import type {
  LeaderElections,
  TaskElection,
} from '../election/leader-elections.js';
import type {
  LeaderTaskOptions,
  OnlyLeaderOptions,
} from '../interfaces/leader-task-options.interface.js';
import {
  checkTaskName,
  resolveTaskOptions,
  type ResolvedLedgerOptions,
  type ResolvedTaskOptions,
} from '../leader-task.options.js';
import { DEFAULT_ELECTION } from '../zookeeper-leader.constants.js';
import {
  duplicateTaskMessage,
  ledgerWithoutNameMessage,
  numberedTaskMessage,
  partitionedFunctionMessage,
} from '../zookeeper-leader.messages.js';
import type { Partitions } from '../partitions/partitions.js';
import { LeaderTask, type TaskHost } from './leader-task.js';
import { PartitionedTask } from './partitioned-task.js';
import type { Nodes } from '../session/nodes.js';
import { LedgerStore } from './ledger/ledger-store.js';
import {
  isAsync,
  type AnyMethod,
  type TaskDefinition,
} from './only-leader.decorator.js';
import type { Schedules, TaskSchedule } from './schedule/schedules.js';
import type { TaskPartition } from './task-run.js';

export interface TaskFactorySettings {
  readonly elections: LeaderElections;
  readonly schedules: Schedules;
  readonly partitions: Partitions;
  readonly nodes: Nodes;
  readonly host: TaskHost;
  /** Ledger of scheduled tasks that do not say themselves. */
  readonly ledger: ResolvedLedgerOptions | false;
  /** Aborts when nothing is to be written any more. */
  readonly closing: AbortSignal;
  readonly byName: Map<string, LeaderTask>;
  /** Ends the task of a function, and forgets it. */
  readonly dispose: (task: LeaderTask) => void;
}

/** Whose leader runs a task. */
interface TaskOwner {
  readonly election: TaskElection;
  readonly partition?: TaskPartition;
}

interface NewTask extends TaskOwner {
  readonly name: string;
  readonly where: string;
  readonly options: ResolvedTaskOptions;
  readonly ledger: ResolvedLedgerOptions | false;
  readonly schedule: TaskSchedule;
  readonly canWait: boolean;
  /** Whether a schedule calls it, as far as is known. */
  readonly isScheduled: boolean;
  readonly invoke: (...args: unknown[]) => unknown;
  readonly warnsUnscheduled?: boolean;
}

/** Makes the leader tasks of an application. */
export class TaskFactory {
  readonly #settings: TaskFactorySettings;
  /** Tasks of functions: another one of the name takes their place. */
  readonly #replaceable = new WeakSet<LeaderTask>();

  constructor(settings: TaskFactorySettings) {
    this.#settings = settings;
  }

  /**
   * The task of a decorated method, or its tasks: one for each partition.
   *
   * @throws {TypeError} for options that are not valid, for an unknown election,
   * and for a name that is taken
   */
  ofMethod(
    instance: object,
    definition: TaskDefinition,
  ): LeaderTask | PartitionedTask {
    const { key, options } = definition;
    const { schedules, elections, byName, partitions } = this.#settings;
    const method = (instance as Record<string | symbol, unknown>)[key];
    const where = nameOf(instance, definition);
    const schedule = schedules.ofMethod(instance, key);
    const isScheduled = schedule.description !== undefined;
    const resolved = resolveTaskOptions(options, where);
    const ledger = resolved.ledger ?? (isScheduled && this.#settings.ledger);
    const shared = {
      where,
      options: resolved,
      ledger,
      schedule,
      canWait: isScheduled || definition.isAsync,
      isScheduled,
      invoke: (...args: unknown[]) =>
        Reflect.apply(method as AnyMethod, instance, args),
    };
    const make = (name: string, more: TaskOwner): LeaderTask => {
      const task = this.#make({ name, ...shared, ...more });
      byName.set(task.task, task);
      return task;
    };
    if (resolved.partitions === undefined) {
      const { election = DEFAULT_ELECTION } = options;
      const found = elections.find(election, `@OnlyLeader() on ${where}`);
      const name = this.#freeName(where, options, ledger !== false);
      return make(name, { election: found });
    }
    const name = options.task ?? where.slice(0, -2);
    checkTaskName(name, where);
    if (partitions.all.some((each) => each.name === name)) {
      throw new TypeError(duplicateTaskMessage(where, name));
    }
    const set = partitions.of(name, resolved.partitions);
    return new PartitionedTask(
      set.elections.map((election, partition) => {
        if (byName.has(election.name)) {
          throw new TypeError(duplicateTaskMessage(where, election.name));
        }
        return make(election.name, {
          election,
          partition: { partition, partitions: set.partitions },
        });
      }),
    );
  }

  /**
   * The task of a function, and the function that is guarded.
   *
   * @throws {TypeError} for options that are not valid, and for a name that a
   * decorated method has
   */
  ofFunction(
    election: TaskElection,
    fn: AnyMethod,
    options: OnlyLeaderOptions,
  ): { task: LeaderTask; guarded: AnyMethod } {
    const { byName, schedules } = this.#settings;
    const name = options.task ?? (fn.name || 'anonymous function');
    const where = `onlyLeader() for "${name}"`;
    const resolved = resolveTaskOptions(options, where);
    if (resolved.partitions !== undefined) {
      throw new TypeError(partitionedFunctionMessage(where));
    }
    const isNamed = options.task !== undefined;
    checkTaskName(name, where);
    if (!isNamed && resolved.ledger) {
      throw new TypeError(ledgerWithoutNameMessage(where));
    }
    const former = isNamed ? byName.get(name) : undefined;
    if (former && !this.#replaceable.has(former)) {
      throw new TypeError(duplicateTaskMessage(where, name));
    }
    const call = function (this: unknown, ...args: unknown[]): unknown {
      return task.call(fn, this, args);
    };
    const guarded = function (this: unknown): unknown {
      return task.declines()
        ? undefined
        : // Not made unless it is needed, see only-leader.decorator.ts.
          // oxlint-disable-next-line prefer-rest-params
          Reflect.apply(call, this, arguments);
    };
    Object.defineProperty(guarded, 'name', { value: fn.name });
    const task = this.#make({
      name,
      where,
      election,
      options: resolved,
      ledger: resolved.ledger ?? (isNamed && this.#settings.ledger),
      schedule: schedules.ofFunction(name, guarded),
      canWait: isNamed || isAsync(fn),
      isScheduled: isNamed,
      invoke: guarded,
      warnsUnscheduled: true,
    });
    Object.defineProperty(guarded, 'dispose', {
      value: () => this.#settings.dispose(task),
    });
    former?.dispose();
    if (isNamed) {
      byName.set(name, task);
      this.#replaceable.add(task);
    }
    return { task, guarded };
  }

  #make(wanted: NewTask): LeaderTask {
    const { name, election, ledger, options, schedule, where } = wanted;
    const { host, nodes, closing } = this.#settings;
    if (ledger && schedule.ledgerProblem !== undefined) {
      throw new TypeError(
        `${where} has a run ledger and ${schedule.ledgerProblem}; or give it ` +
          'ledger: false.',
      );
    }
    return new LeaderTask({
      name,
      election,
      schedule,
      options: {
        ...options,
        // Two runs of a schedule's task beside each other are rarely meant.
        overlap:
          options.overlap ?? (wanted.isScheduled || ledger ? 'skip' : 'allow'),
      },
      canWait: wanted.canWait || ledger !== false,
      invoke: wanted.invoke,
      host,
      warnsUnscheduled: wanted.warnsUnscheduled ?? false,
      partition: wanted.partition,
      ledger: ledger
        ? { store: new LedgerStore(nodes, name), options: ledger, closing }
        : undefined,
    });
  }

  /** Methods of objects that share a name only by their class get a number. */
  #freeName(
    where: string,
    options: LeaderTaskOptions,
    hasLedger: boolean,
  ): string {
    const { byName, host } = this.#settings;
    const name = options.task ?? where.slice(0, -2);
    checkTaskName(name, where);
    const former = byName.get(name);
    if (!former) {
      return name;
    }
    if (options.task !== undefined || hasLedger || former.hasLedger) {
      throw new TypeError(duplicateTaskMessage(where, name));
    }
    let number = 2;
    while (byName.has(`${name}#${number}`)) {
      number += 1;
    }
    host.logger.warn(numberedTaskMessage(where, `${name}#${number}`));
    return `${name}#${number}`;
  }
}

/** As in `Class.method()`. */
export function nameOf(
  instance: object,
  { key }: Pick<TaskDefinition, 'key'>,
): string {
  return `${instance.constructor.name}.${String(key)}()`;
}
