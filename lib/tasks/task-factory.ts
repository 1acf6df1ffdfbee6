import type { LeaderElections } from '../election/leader-elections.js';
import type { TaskElection } from '../election/managed-election.js';
import type { OwnWork } from '../foreign-leader/own-work.js';
import type {
  LeaderTaskOptions,
  OnlyLeaderOptions,
} from '../interfaces/leader-task-options.interface.js';
import {
  checkTaskName,
  resolveTaskOptions,
  type ResolvedLedgerOptions,
} from '../leader-task.options.js';
import { partitionName } from '../partitions/partition.js';
import type { Partitions } from '../partitions/partitions.js';
import { DEFAULT_ELECTION } from '../zookeeper-leader.constants.js';
import {
  duplicateTaskMessage,
  functionOfElectionMessage,
  ledgerWithoutNameMessage,
  numberedTaskMessage,
  partitionedFunctionMessage,
} from '../zookeeper-leader.messages.js';
import { LeaderTask, type LeaderTaskSettings } from './leader-task.js';
import {
  guardedBy,
  isAsync,
  nameOf,
  type AnyMethod,
  type TaskDefinition,
} from './only-leader.decorator.js';
import { PartitionedTask } from './partitioned-task.js';
import type { Schedules } from './schedule/schedules.js';
import type { TaskPartition } from './task-run.js';
import type { TaskSet } from './task-set.js';

/** Whose leader runs a task. */
interface TaskOwner {
  readonly election: TaskElection;
  readonly partition?: TaskPartition;
}

/** Makes the leader tasks of an application. */
export class TaskFactory {
  readonly #tasks: TaskSet;
  readonly #elections: LeaderElections;
  readonly #schedules: Schedules;
  readonly #partitions: Partitions;
  readonly #ledger: ResolvedLedgerOptions | false;
  readonly #work: OwnWork;
  /** Tasks of functions: another one of the name takes their place. */
  readonly #replaceable = new WeakSet<LeaderTask>();

  /** @param ledger of scheduled tasks that do not say themselves */
  constructor(
    tasks: TaskSet,
    elections: LeaderElections,
    schedules: Schedules,
    partitions: Partitions,
    ledger: ResolvedLedgerOptions | false,
    work: OwnWork,
  ) {
    this.#tasks = tasks;
    this.#elections = elections;
    this.#schedules = schedules;
    this.#partitions = partitions;
    this.#ledger = ledger;
    this.#work = work;
  }

  /**
   * The task of a decorated method, or its tasks: one for each partition.
   *
   * @throws {TypeError} for options that are not valid, for an unknown election,
   * and for a name that is taken
   */
  ofMethod(
    instance: object,
    { key, options, isAsync: isAsyncMethod }: TaskDefinition,
  ): LeaderTask | PartitionedTask {
    const { byName } = this.#tasks;
    const method = (instance as Record<string | symbol, unknown>)[key];
    const where = nameOf(instance, key);
    const isScheduled =
      this.#schedules.ofMethod(instance, key).description !== undefined;
    const resolved = resolveTaskOptions(
      options,
      where,
      isScheduled,
      this.#ledger,
    );
    const make = (name: string, owner: TaskOwner): LeaderTask => {
      const task = this.#make(where, {
        name,
        ...owner,
        options: resolved,
        // One for each partition: an interval follows the calls of its timer.
        schedule: this.#schedules.ofMethod(instance, key),
        canWait: isScheduled || isAsyncMethod,
        invoke: (...args) => Reflect.apply(method as AnyMethod, instance, args),
      });
      this.#tasks.add(task);
      return task;
    };
    const name = options.task ?? where.slice(0, -2);
    checkTaskName(name, where);
    if (resolved.partitions === undefined) {
      const { election = DEFAULT_ELECTION } = options;
      const found = this.#elections.find(election, `@OnlyLeader() on ${where}`);
      const isNamed = options.task !== undefined || resolved.ledger !== false;
      return make(this.#freeName(name, where, isNamed), { election: found });
    }
    if (
      byName.has(name) ||
      this.#partitions.all.some((each) => each.name === name)
    ) {
      throw new TypeError(duplicateTaskMessage(where, name));
    }
    const set = this.#partitions.of(name, resolved.partitions);
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
   * A function that calls `fn` as a leader task.
   *
   * @throws {TypeError} for what is no function, for options that are not valid,
   * and for a name that a decorated method has
   */
  ofFunction(
    election: TaskElection,
    fn: AnyMethod,
    options: OnlyLeaderOptions,
  ): AnyMethod {
    if (typeof fn !== 'function') {
      throw new TypeError(
        `onlyLeader() needs the function that it guards, not ${typeof fn}.`,
      );
    }
    const isNamed = options.task !== undefined;
    const name = options.task ?? (fn.name || 'anonymous function');
    const where = `onlyLeader() for "${name}"`;
    const resolved = resolveTaskOptions(options, where, isNamed, this.#ledger);
    if (resolved.partitions !== undefined) {
      throw new TypeError(partitionedFunctionMessage(where));
    }
    if ((options as LeaderTaskOptions).election !== undefined) {
      throw new TypeError(functionOfElectionMessage(where, election.name));
    }
    checkTaskName(name, where);
    if (!isNamed && resolved.ledger) {
      throw new TypeError(ledgerWithoutNameMessage(where));
    }
    const former = isNamed ? this.#tasks.byName.get(name) : undefined;
    if (
      (isNamed && this.#isPartitioned(name)) ||
      (former && !this.#replaceable.has(former))
    ) {
      throw new TypeError(duplicateTaskMessage(where, name));
    }
    const guarded = guardedBy(() => task, fn);
    const task = this.#make(where, {
      name,
      election,
      options: resolved,
      schedule: this.#schedules.ofFunction(name, guarded),
      canWait: isNamed || isAsync(fn),
      invoke: guarded,
      warnsUnscheduled: true,
    });
    if (isNamed) {
      this.#replaceable.add(task);
    }
    this.#tasks.add(task, isNamed);
    this.#work.changed(election.name);
    return Object.defineProperties(guarded, {
      name: { value: fn.name },
      dispose: {
        value: () => {
          this.#tasks.dispose(task);
          this.#work.changed(election.name);
        },
      },
    });
  }

  #make(where: string, settings: LeaderTaskSettings): LeaderTask {
    const { ledgerProblem } = settings.schedule;
    if (settings.options.ledger && ledgerProblem !== undefined) {
      throw new TypeError(
        `${where} has a run ledger and ${ledgerProblem}; or give it ` +
          'ledger: false.',
      );
    }
    return new LeaderTask(this.#tasks, settings);
  }

  #isPartitioned(name: string): boolean {
    const first = this.#tasks.byName.get(partitionName(name, 0));
    return first?.partition !== undefined;
  }

  /** Methods of objects that share a name only by their class get a number. */
  #freeName(name: string, where: string, isNamed: boolean): string {
    const { byName, logger } = this.#tasks;
    const former = byName.get(name);
    if (
      this.#isPartitioned(name) ||
      (former && (isNamed || former.hasLedger))
    ) {
      throw new TypeError(duplicateTaskMessage(where, name));
    }
    if (!former) {
      return name;
    }
    let number = 2;
    while (byName.has(`${name}#${number}`)) {
      number += 1;
    }
    logger.warn(numberedTaskMessage(where, `${name}#${number}`));
    return `${name}#${number}`;
  }
}
