import type { Logger } from '@nestjs/common';
import type {
  LeaderElections,
  ManagedElection,
} from '../election/leader-elections.js';
import { DEFAULT_ELECTION } from '../zookeeper-leader.constants.js';
import {
  duplicateTaskMessage,
  ledgerWithoutNameMessage,
  numberedTaskMessage,
} from '../zookeeper-leader.messages.js';
import { LeaderTask } from './leader-task.js';
import type {
  LeaderTaskOptions,
  OnlyLeaderOptions,
} from './leader-task-options.interface.js';
import type { RunLedgers } from './ledger/run-ledgers.js';
import type {
  ScheduleFinder,
  ScheduleSource,
} from './schedule/schedule-finder.js';
import type { AnyMethod, TaskDefinition } from './task-definition.js';
import type { TaskEvents } from './task-events.js';
import {
  checkTaskName,
  resolveTaskOptions,
  type ResolvedLedgerOptions,
  type ResolvedTaskOptions,
} from './task-options.js';
import type { TaskRegister } from './task-register.js';
import { Timetable } from './timetable/timetable.js';

export interface TaskFactorySettings {
  readonly elections: LeaderElections;
  readonly schedules: ScheduleFinder;
  readonly drainTimeoutMs: number;
  /** Ledger of scheduled tasks that do not say themselves. */
  readonly ledger: ResolvedLedgerOptions | false;
  readonly register: TaskRegister;
  readonly events: TaskEvents;
  readonly ledgers: RunLedgers;
  readonly logger: Logger;
  /** Aborts when nothing is to be written any more. */
  readonly closing: AbortSignal;
}

interface NewTask {
  readonly name: string;
  readonly election: ManagedElection;
  readonly options: ResolvedTaskOptions;
  readonly ledger: ResolvedLedgerOptions | false;
  readonly schedule: ScheduleSource | undefined;
  readonly canWait: boolean;
  readonly invoke: (...args: unknown[]) => unknown;
}

/** Makes the leader tasks of an application, and enters them in its register. */
export class TaskFactory {
  readonly #settings: TaskFactorySettings;

  constructor(settings: TaskFactorySettings) {
    this.#settings = settings;
  }

  /**
   * The task of a decorated method.
   *
   * @throws {TypeError} for options that are not valid, for an unknown election,
   * and for a name that is taken
   */
  ofMethod(instance: object, definition: TaskDefinition): LeaderTask {
    const { key, options } = definition;
    const { register, schedules } = this.#settings;
    const method = (instance as Record<string | symbol, unknown>)[key];
    const where = nameOf(instance, definition);
    const schedule = schedules.ofMethod(method);
    const resolved = resolveTaskOptions(options, where);
    const ledger =
      resolved.ledger ?? (schedule !== undefined && this.#settings.ledger);
    const task = this.#make({
      name: this.#freeName(where, options, ledger !== false),
      election: this.electionOf(instance, definition),
      options: resolved,
      ledger,
      schedule,
      canWait: schedule !== undefined || isAsync(method),
      invoke: (...args) => Reflect.apply(method as AnyMethod, instance, args),
    });
    register.add(task, false);
    return task;
  }

  /**
   * The task of a function, and the function that is guarded.
   *
   * @throws {TypeError} for options that are not valid, and for a name that a
   * decorated method has
   */
  ofFunction(
    election: ManagedElection,
    fn: AnyMethod,
    options: OnlyLeaderOptions,
  ): { task: LeaderTask; guarded: AnyMethod } {
    const { register, schedules } = this.#settings;
    const name = options.task ?? (fn.name || 'anonymous function');
    const where = `onlyLeader() for "${name}"`;
    const resolved = resolveTaskOptions(options, where);
    const isNamed = options.task !== undefined;
    checkTaskName(name, where);
    if (!isNamed && resolved.ledger) {
      throw new TypeError(ledgerWithoutNameMessage(where));
    }
    if (isNamed && !register.makeRoom(name, true)) {
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
      election,
      options: resolved,
      ledger: resolved.ledger ?? (isNamed && this.#settings.ledger),
      schedule: schedules.ofFunction((callback) => callback === guarded),
      canWait: resolved.ledger !== undefined || isNamed || isAsync(fn),
      invoke: guarded,
    });
    if (isNamed) {
      register.add(task, true);
    }
    return { task, guarded };
  }

  /**
   * @throws {TypeError} for an unknown election
   */
  electionOf(instance: object, definition: TaskDefinition): ManagedElection {
    const { election = DEFAULT_ELECTION } = definition.options;
    const where = nameOf(instance, definition);
    return this.#settings.elections.find(election, `@OnlyLeader() on ${where}`);
  }

  #make(wanted: NewTask): LeaderTask {
    const { name, election, ledger } = wanted;
    const { events, logger, register } = this.#settings;
    return new LeaderTask({
      ...wanted,
      events,
      logger,
      register,
      graceMs: this.#settings.drainTimeoutMs,
      makeTimetable:
        ledger === false
          ? undefined
          : (task) =>
              new Timetable(task, {
                election,
                ledger: this.#settings.ledgers.of(name),
                options: ledger,
                logger,
                closing: this.#settings.closing,
              }),
    });
  }

  /** Methods of objects that share a name only by their class get a number. */
  #freeName(
    where: string,
    options: LeaderTaskOptions,
    hasLedger: boolean,
  ): string {
    const { register, logger } = this.#settings;
    const name = options.task ?? where.slice(0, -2);
    checkTaskName(name, where);
    if (register.makeRoom(name, false)) {
      return name;
    }
    if (
      options.task !== undefined ||
      hasLedger ||
      register.find(name).timetable
    ) {
      throw new TypeError(duplicateTaskMessage(where, name));
    }
    const numbered = register.numbered(name);
    logger.warn(numberedTaskMessage(where, numbered));
    return numbered;
  }
}

/** As in `Class.method()`. */
function nameOf(instance: object, { key }: TaskDefinition): string {
  return `${instance.constructor.name}.${String(key)}()`;
}

function isAsync(method: unknown): boolean {
  return (
    typeof method === 'function' && method.constructor.name === 'AsyncFunction'
  );
}
