import type { DiscoveryService } from '@nestjs/core';
import type { LeaderTaskSchedule } from '../leader-task-info.interface.js';
import { CronSchedule, type CronTimeLike } from './cron-schedule.js';
import { IntervalSchedule } from './interval-schedule.js';
import type { TaskSchedule } from './task-schedule.interface.js';

/** A `CronJob` of the package `cron`. */
interface CronJobLike {
  readonly cronTime: CronTimeLike;
  readonly isActive?: boolean;
  readonly lastExecution?: Date | null;
  readonly _callbacks?: readonly unknown[];
}

/** The `SchedulerRegistry` of `@nestjs/schedule`. */
interface SchedulerRegistryLike {
  getCronJobs(): Map<string, CronJobLike>;
}

/** What `@Cron()` has been given. */
interface CronOptions {
  readonly name?: string;
  readonly cronTime: unknown;
  readonly timeZone?: string | null;
  readonly utcOffset?: number | null;
}

/** What is known of how a task is scheduled. */
export interface ScheduleSource {
  readonly description: LeaderTaskSchedule | undefined;
  /**
   * Whether the schedule is under way: false while there is none, and for a job
   * that is disabled or has been stopped.
   */
  readonly isActive: boolean;
  /**
   * The schedule; undefined where there is none, or none yet: jobs enter the
   * registry when the application has started, or whenever somebody adds them.
   *
   * @param caller what a call was made on: jobs call their function on themselves
   */
  find(caller?: unknown): TaskSchedule | undefined;
}

/** Metadata keys and values of `@nestjs/schedule`. */
const SCHEDULER_TYPE = 'SCHEDULER_TYPE';
const [CRON, TIMEOUT, INTERVAL] = [1, 2, 3];

/**
 * Finds out how a task is scheduled, without `@nestjs/schedule`, which an
 * application may not have: by the metadata of its decorators, and by looks.
 */
export class ScheduleFinder {
  readonly #discovery: DiscoveryService;
  #registry: SchedulerRegistryLike | undefined;

  constructor(discovery: DiscoveryService) {
    this.#discovery = discovery;
  }

  /** Whether the application has a scheduler at all. */
  get hasScheduler(): boolean {
    return this.#findRegistry() !== undefined;
  }

  /** How many schedulers fire the same jobs: one, or somebody made a mistake. */
  get schedulerCount(): number {
    return this.#registries().size;
  }

  /** By the decorator on a method; undefined if there is none. */
  ofMethod(method: unknown): ScheduleSource | undefined {
    if (typeof method !== 'function') {
      return undefined;
    }
    switch (Reflect.getMetadata(SCHEDULER_TYPE, method)) {
      case CRON:
        return this.#cron(
          Reflect.getMetadata('SCHEDULE_CRON_OPTIONS', method) as CronOptions,
        );
      case INTERVAL: {
        const schedule = new IntervalSchedule(
          timeoutOf(method, 'SCHEDULE_INTERVAL_OPTIONS'),
        );
        const { description } = schedule;
        return { description, isActive: true, find: () => schedule };
      }
      case TIMEOUT: {
        // Fires once in the life of each process, whenever that began.
        const afterMs = timeoutOf(method, 'SCHEDULE_TIMEOUT_OPTIONS');
        return {
          description: { type: 'timeout', afterMs },
          isActive: false,
          find: () => undefined,
        };
      }
      default:
        return undefined;
    }
  }

  /** By the job of the registry, or of the caller, that calls a function. */
  ofFunction(calls: (callback: unknown) => boolean): ScheduleSource {
    return sourceOf((caller) =>
      isCronJob(caller)
        ? caller
        : this.#jobs().find((each) => each._callbacks?.some(calls)),
    );
  }

  /**
   * The schedule of the job with the decorator's name, which may have been given
   * another time since. Jobs without a name have a random one in the registry:
   * any job of the same expression and time zone has the same ticks.
   */
  #cron(options: CronOptions): ScheduleSource {
    const findJob = (): CronJobLike | undefined =>
      options.name === undefined
        ? this.#jobs().find(({ cronTime }) => isTimeOf(options, cronTime))
        : this.#findRegistry()?.getCronJobs().get(options.name);
    return sourceOf(findJob, () => ({
      type: 'cron',
      expression: String(options.cronTime),
      timeZone:
        options.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    }));
  }

  #jobs(): CronJobLike[] {
    return [...(this.#findRegistry()?.getCronJobs().values() ?? [])];
  }

  #findRegistry(): SchedulerRegistryLike | undefined {
    this.#registry ??= [...this.#registries()][0];
    return this.#registry;
  }

  #registries(): Set<SchedulerRegistryLike> {
    const instances = this.#discovery
      .getProviders()
      .map(({ instance }) => instance as unknown);
    return new Set(instances.filter(isSchedulerRegistry));
  }
}

/** @param otherwise what is known of a job that is not there */
function sourceOf(
  findJob: (caller?: unknown) => CronJobLike | undefined,
  otherwise: () => LeaderTaskSchedule | undefined = () => undefined,
): ScheduleSource {
  const schedules = new ScheduleCache();
  const find = (caller?: unknown): TaskSchedule | undefined => {
    const job = findJob(caller);
    return job && schedules.of(job.cronTime);
  };
  return {
    find,
    get isActive() {
      const job = findJob();
      return job !== undefined && isUnderWay(job);
    },
    get description() {
      return find()?.description ?? otherwise();
    },
  };
}

/** A job for a date is over once it has called, be it on an instance that waits. */
function isUnderWay({
  isActive,
  lastExecution,
  cronTime,
}: CronJobLike): boolean {
  return isActive !== false || (cronTime.realDate && Boolean(lastExecution));
}

/** Keeps the schedule of a job for as long as the job has the same time. */
class ScheduleCache {
  #time: CronTimeLike | undefined;
  #schedule: CronSchedule | undefined;

  of(time: CronTimeLike): CronSchedule {
    if (this.#schedule === undefined || time !== this.#time) {
      this.#time = time;
      this.#schedule = new CronSchedule(time);
    }
    return this.#schedule;
  }
}

function isTimeOf(options: CronOptions, time: CronTimeLike): boolean {
  const isSameSource = time.realDate
    ? Number(time.source) === Number(options.cronTime)
    : time.source === options.cronTime;
  const isSameZone =
    typeof options.utcOffset === 'number'
      ? time.utcOffset === options.utcOffset
      : time.utcOffset === undefined &&
        (!options.timeZone || time.timeZone === options.timeZone);
  const isLocal = !options.timeZone && typeof options.utcOffset !== 'number';
  const localZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    isSameSource && isSameZone && (!isLocal || time.timeZone === localZone)
  );
}

function timeoutOf(method: object, key: string): number {
  return (Reflect.getMetadata(key, method) as { timeout: number }).timeout;
}

function isCronJob(value: unknown): value is CronJobLike {
  const time = (value as CronJobLike | null | undefined)?.cronTime;
  return typeof time?.getNextDateFrom === 'function';
}

const REGISTRY_METHODS = ['getCronJobs', 'getIntervals', 'getTimeouts'];

/**
 * Not by the name of its class, which a bundler may have shortened, and not by
 * the object, which may be a mock that has every method.
 */
function isSchedulerRegistry(value: unknown): value is SchedulerRegistryLike {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  const prototype = Object.getPrototypeOf(value) as Record<
    string,
    unknown
  > | null;
  return REGISTRY_METHODS.every(
    (name) => typeof prototype?.[name] === 'function',
  );
}
