import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { CronTicks, type CronTimeLike } from './cron-ticks.js';
import type { LeaderTaskSchedule } from './leader-task-info.interface.js';
import { IntervalTicks, intervalLength, type Ticks } from './ticks.js';

/** A `CronJob` of the package `cron`. */
interface CronJobLike {
  readonly cronTime: CronTimeLike;
  readonly isActive?: boolean;
  readonly lastExecution?: Date | null;
  readonly waitForCompletion?: boolean;
  readonly _callbacks?: readonly unknown[];
}

/** The `SchedulerRegistry` of `@nestjs/schedule`. */
interface SchedulerRegistryLike {
  getCronJobs(): Map<string, CronJobLike>;
  getIntervals(): string[];
  doesExist(type: 'cron' | 'interval' | 'timeout', name: string): boolean;
}

/** The `SchedulerOrchestrator`: what it has been given by decorators, by name. */
interface OrchestratorLike {
  readonly cronJobs: Record<string, unknown>;
  readonly intervals: Record<string, unknown>;
}

/** What `@Cron()` has been given. */
interface CronOptions {
  readonly name?: string;
  readonly cronTime: unknown;
  readonly timeZone?: string | null;
  readonly utcOffset?: number | null;
  readonly runOnInit?: boolean;
}

/** What is known of how a task is scheduled. */
export interface TaskSchedule {
  readonly description: LeaderTaskSchedule | undefined;
  /**
   * `none`: nothing is known to schedule the task. `inactive`: there is no job, or
   * it is disabled or has been stopped; what is switched off must not run.
   */
  readonly state: 'none' | 'active' | 'inactive';
  /** Whether the job itself leaves out ticks that come during a run. */
  readonly waitsForCompletion: boolean;
  /**
   * The ticks; undefined where there are none, or none yet: jobs enter the
   * registry when the application has started, or whenever somebody adds them.
   *
   * @param caller what a call was made on: jobs call their function on themselves
   */
  ticks(caller?: unknown): Ticks | undefined;
  /** False: a decorator asks for a job, and the scheduler has made none. */
  readonly hasJob?: boolean;
  /** Why it cannot have a run ledger, and what to do. */
  readonly ledgerProblem?: string;
}

const NO_SCHEDULE: TaskSchedule = {
  description: undefined,
  state: 'none',
  waitsForCompletion: false,
  ticks: () => undefined,
};

/** Metadata keys and values of `@nestjs/schedule`. */
const SCHEDULER_TYPE = 'SCHEDULER_TYPE';
const SCHEDULER_NAME = 'SCHEDULER_NAME';
const [CRON, TIMEOUT, INTERVAL] = [1, 2, 3];
const LOOK_AGAIN_MS = 1_000;

/**
 * Finds the job that calls a task, without `@nestjs/schedule`, which an
 * application may not have. A job is known by its owner, never by its expression:
 * two jobs may have the same one, and only one of them be switched off.
 */
@Injectable()
export class Schedules {
  readonly #discovery: DiscoveryService;
  #knownRegistry: SchedulerRegistryLike | undefined;
  #owners:
    | { count: number; names: Map<object, Map<string, readonly string[]>> }
    | undefined;
  #functions:
    { atMs: number; size: number; jobs: Map<unknown, string> } | undefined;

  constructor(discovery: DiscoveryService) {
    this.#discovery = discovery;
  }

  /** Whether the application has a scheduler at all. */
  get hasScheduler(): boolean {
    return this.#registry !== undefined;
  }

  /** How many schedulers fire the same jobs: more than one is a mistake. */
  get schedulerCount(): number {
    return this.#registries().size;
  }

  get #registry(): SchedulerRegistryLike | undefined {
    this.#knownRegistry ??= [...this.#registries()][0];
    return this.#knownRegistry;
  }

  #registries(): Set<SchedulerRegistryLike> {
    return new Set(this.#instances().filter(isSchedulerRegistry));
  }

  /** Of a method that may have a scheduler decorator. */
  ofMethod(instance: object, key: string | symbol): TaskSchedule {
    const method = (instance as Record<string | symbol, unknown>)[key];
    if (typeof method !== 'function') {
      return NO_SCHEDULE;
    }
    switch (Reflect.getMetadata(SCHEDULER_TYPE, method)) {
      case CRON:
        return this.#cron(
          instance,
          String(key),
          Reflect.getMetadata('SCHEDULE_CRON_OPTIONS', method) as CronOptions,
        );
      case INTERVAL:
        return this.#interval(
          instance,
          String(key),
          timeoutOf(method, 'SCHEDULE_INTERVAL_OPTIONS'),
        );
      case TIMEOUT: {
        // Fires once in the life of each process: every call is its own tick.
        const afterMs = timeoutOf(method, 'SCHEDULE_TIMEOUT_OPTIONS');
        return {
          ...NO_SCHEDULE,
          description: { type: 'timeout', afterMs },
        };
      }
      default:
        return NO_SCHEDULE;
    }
  }

  /**
   * Of a function: by the job that called it, else by the job that has been given
   * the function, else by the job that has the name of the task.
   */
  ofFunction(task: string, fn: unknown) {
    let found: string | undefined;
    let called: CronJobLike | undefined;
    const findJob = (): CronJobLike | undefined => {
      const jobs = this.#registry?.getCronJobs();
      const known = found === undefined ? undefined : jobs?.get(found);
      if (known) {
        return known;
      }
      found = this.#nameOfJobWith(fn) ?? (jobs?.has(task) ? task : undefined);
      return found === undefined ? called : jobs?.get(found);
    };
    const cache = new TicksCache();
    return {
      get description() {
        const job = findJob();
        return job && cache.of(job.cronTime).description;
      },
      get state(): TaskSchedule['state'] {
        const job = findJob();
        if (job) {
          return isUnderWay(job) ? 'active' : 'inactive';
        }
        return found === undefined && !cache.isUsed ? 'none' : 'inactive';
      },
      get waitsForCompletion() {
        return findJob()?.waitForCompletion === true;
      },
      ticks(caller?: unknown) {
        if (isCronJob(caller)) {
          called = caller;
        }
        const job = isCronJob(caller) ? caller : findJob();
        return job && cache.of(job.cronTime);
      },
    } satisfies TaskSchedule;
  }

  #cron(instance: object, key: string, options: CronOptions): TaskSchedule {
    const cache = new TicksCache();
    const findJobs = (): CronJobLike[] => {
      const jobs = this.#registry?.getCronJobs();
      return this.#jobNames('cronJobs', instance, key, options.name).flatMap(
        (name) => jobs?.get(name) ?? [],
      );
    };
    return {
      get description() {
        const [job] = findJobs();
        return job ? cache.of(job.cronTime).description : describe(options);
      },
      get state() {
        return findJobs().some(isUnderWay) ? 'active' : 'inactive';
      },
      get waitsForCompletion() {
        return findJobs()[0]?.waitForCompletion === true;
      },
      get hasJob() {
        return cache.isUsed || findJobs().length > 0;
      },
      ticks() {
        const [job] = findJobs();
        return job && cache.of(job.cronTime);
      },
      ...(options.runOnInit === true && {
        ledgerProblem:
          'has the option runOnInit, whose call belongs to no tick. Leave it ' +
          'out, and begin work at once under @OnElected()',
      }),
    };
  }

  #interval(instance: object, key: string, everyMs: unknown): TaskSchedule {
    const name = Reflect.getMetadata(
      SCHEDULER_NAME,
      (instance as Record<string, object>)[key] as object,
    ) as string | undefined;
    const ticks = new IntervalTicks(intervalLength(everyMs));
    const isThere = (): boolean =>
      this.#jobNames('intervals', instance, key, name).some((each) =>
        this.#registry?.doesExist('interval', each),
      );
    let wasThere = false;
    const isPossible = Number(everyMs) >= 1 && Number(everyMs) < 2 ** 31;
    return {
      description: ticks.description,
      waitsForCompletion: false,
      get state() {
        return isThere() ? 'active' : 'inactive';
      },
      get hasJob() {
        wasThere ||= isThere();
        return wasThere;
      },
      ticks: () => ticks,
      ...(!isPossible && {
        ledgerProblem:
          `has an interval of ${String(everyMs)} ms, which Node.js takes for 1 ms. ` +
          'Give it a length from 1 to 2147483647 ms',
      }),
    };
  }

  /** The names of an owner's jobs: mostly one. */
  #jobNames(
    type: keyof OrchestratorLike,
    instance: object,
    key: string,
    name: string | undefined,
  ): readonly string[] {
    // By Nest's own rule, an empty name is none.
    return name ? [name] : (this.#unnamed(type, instance, key) ?? []);
  }

  /**
   * Jobs without a name have a random one. The orchestrator has them in the order
   * in which the explorer of `@nestjs/schedule` came upon their methods: it is
   * gone through once more.
   */
  #unnamed(
    type: keyof OrchestratorLike,
    instance: object,
    key: string,
  ): readonly string[] | undefined {
    const known = this.#owners?.names.get(instance)?.get(`${type} ${key}`);
    if (known) {
      return known;
    }
    const orchestrators = this.#instances().filter(isOrchestrator);
    const count = orchestrators.reduce(
      (sum, { cronJobs, intervals }) =>
        sum + Object.keys(cronJobs).length + Object.keys(intervals).length,
      0,
    );
    if (this.#owners?.count !== count) {
      const names = new Map<object, Map<string, readonly string[]>>();
      this.#owners = { count, names };
      for (const orchestrator of orchestrators) {
        this.#assign(orchestrator, names);
      }
    }
    return this.#owners.names.get(instance)?.get(`${type} ${key}`);
  }

  #assign(
    { cronJobs, intervals }: OrchestratorLike,
    names: Map<object, Map<string, readonly string[]>>,
  ): void {
    const methods = this.#scheduledMethods();
    const given = new Set(methods.map(({ name }) => name));
    const left = {
      cronJobs: Object.keys(cronJobs).filter((name) => !given.has(name)),
      intervals: Object.keys(intervals).filter((name) => !given.has(name)),
    };
    for (const { type, instance, key, name } of methods) {
      const own = name ? undefined : left[type].shift();
      if (own !== undefined) {
        const ofInstance = names.get(instance) ?? new Map();
        names.set(instance, ofInstance);
        const owned = `${type} ${key}`;
        ofInstance.set(owned, [...(ofInstance.get(owned) ?? []), own]);
      }
    }
  }

  /** In the order of `ScheduleExplorer.explore()`. */
  #scheduledMethods() {
    const scanner = new MetadataScanner();
    const wrappers = [
      ...this.#discovery.getControllers(),
      ...this.#discovery.getProviders(),
    ];
    return wrappers.flatMap((wrapper) => {
      const instance = wrapper.instance as Record<string, unknown> | null;
      const prototype = instance
        ? (Object.getPrototypeOf(instance) as object | null)
        : null;
      if (!prototype || !instance || !wrapper.isDependencyTreeStatic()) {
        return [];
      }
      return scanner.getAllMethodNames(prototype).flatMap((key) => {
        const method = instance[key];
        const kind: unknown =
          typeof method === 'function' &&
          Reflect.getMetadata(SCHEDULER_TYPE, method);
        if (kind !== CRON && kind !== INTERVAL) {
          return [];
        }
        const named = Reflect.getMetadata(SCHEDULER_NAME, method as object) as
          string | undefined;
        const cron = Reflect.getMetadata(
          'SCHEDULE_CRON_OPTIONS',
          method as object,
        ) as CronOptions | undefined;
        const type: keyof OrchestratorLike =
          kind === CRON ? 'cronJobs' : 'intervals';
        const name = kind === CRON ? cron?.name : named;
        return [{ type, instance, key, name }];
      });
    });
  }

  #nameOfJobWith(fn: unknown): string | undefined {
    const all = this.#registry?.getCronJobs() ?? new Map<string, CronJobLike>();
    const known = this.#functions?.jobs.get(fn);
    const nowMs = performance.now();
    if (
      known !== undefined ||
      (this.#functions?.size === all.size &&
        nowMs - this.#functions.atMs < LOOK_AGAIN_MS)
    ) {
      return known;
    }
    const jobs = new Map<unknown, string>();
    for (const [name, job] of all) {
      for (const callback of job._callbacks ?? []) {
        jobs.set(callback, name);
      }
    }
    this.#functions = { atMs: nowMs, size: all.size, jobs };
    return jobs.get(fn);
  }

  #instances(): unknown[] {
    return this.#discovery
      .getProviders()
      .map(({ instance }): unknown => instance);
  }
}

/** A job for a date is over once it has called, also on an instance that waits. */
function isUnderWay({
  isActive,
  lastExecution,
  cronTime,
}: CronJobLike): boolean {
  return isActive !== false || (cronTime.realDate && Boolean(lastExecution));
}

/** Keeps the ticks of a job for as long as the job has the same time. */
class TicksCache {
  #time: CronTimeLike | undefined;
  #ticks: CronTicks | undefined;

  get isUsed(): boolean {
    return this.#ticks !== undefined;
  }

  of(time: CronTimeLike): CronTicks {
    if (this.#ticks === undefined || time !== this.#time) {
      this.#time = time;
      this.#ticks = new CronTicks(time);
    }
    return this.#ticks;
  }
}

/** What is known of a job that is not there. */
function describe({ cronTime, timeZone }: CronOptions): LeaderTaskSchedule {
  return {
    type: 'cron',
    expression: String(cronTime),
    timeZone: timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}

function timeoutOf(method: object, key: string): number {
  return (Reflect.getMetadata(key, method) as { timeout: number }).timeout;
}

function isCronJob(value: unknown): value is CronJobLike {
  const time = (value as CronJobLike | null | undefined)?.cronTime;
  return typeof time?.getNextDateFrom === 'function';
}

/**
 * Not by the name of its class, which a bundler may have shortened, and not by
 * the object, which may be a mock that has every method.
 */
function isSchedulerRegistry(value: unknown): value is SchedulerRegistryLike {
  return hasFunctions(value, 'getCronJobs', 'getIntervals', 'getTimeouts');
}

function isOrchestrator(value: unknown): value is OrchestratorLike {
  return (
    hasFunctions(value, 'addCron', 'addInterval') &&
    ['cronJobs', 'intervals'].every(
      (name) => typeof (value as Record<string, unknown>)[name] === 'object',
    )
  );
}

function hasFunctions(value: unknown, ...names: string[]): boolean {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  const prototype = Object.getPrototypeOf(value) as Record<
    string,
    unknown
  > | null;
  return names.every((name) => typeof prototype?.[name] === 'function');
}
