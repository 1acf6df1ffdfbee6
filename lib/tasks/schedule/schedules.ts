import { Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { CronTicks, type CronTimeLike } from './cron-ticks.js';
import {
  CRON,
  INTERVAL,
  isCronJob,
  isSchedulerRegistry,
  JobNames,
  SCHEDULER_NAME,
  SCHEDULER_TYPE,
  TIMEOUT,
  type CronJobLike,
  type CronOptions,
  type OrchestratorLike,
  type SchedulerRegistryLike,
} from './nest-scheduler.js';
import type { LeaderTaskSchedule } from '../leader-task-info.interface.js';
import { IntervalTicks, intervalLength, type Ticks } from './ticks.js';

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
  readonly hasJob?: boolean | undefined;
  /** Why it cannot have a run ledger, and what to do. */
  readonly ledgerProblem?: string;
}

const NO_SCHEDULE: TaskSchedule = {
  description: undefined,
  state: 'none',
  waitsForCompletion: false,
  ticks: () => undefined,
};

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
  readonly #names: JobNames;
  #functions:
    { atMs: number; size: number; names: Map<unknown, string> } | undefined;

  constructor(discovery: DiscoveryService) {
    this.#discovery = discovery;
    this.#names = new JobNames(discovery);
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
    const all = this.#discovery.getProviders().map(({ instance }) => instance);
    return new Set(all.filter(isSchedulerRegistry));
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
  ofFunction(task: string, fn: unknown): TaskSchedule {
    let wasThere = false;
    let called: CronJobLike | undefined;
    return new CronSchedule((caller) => {
      if (isCronJob(caller)) {
        called = caller;
        return [caller];
      }
      const job = this.#jobWith(fn) ?? this.#registry?.getCronJobs().get(task);
      wasThere ||= job !== undefined;
      return [job ?? (wasThere ? undefined : called)].filter(
        (each) => each !== undefined,
      );
    });
  }

  #cron(instance: object, key: string, options: CronOptions): TaskSchedule {
    return new CronSchedule(() => {
      const jobs = this.#registry?.getCronJobs();
      return this.#jobNames('cronJobs', instance, key, options.name).flatMap(
        (name) => jobs?.get(name) ?? [],
      );
    }, options);
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
    return name ? [name] : this.#names.of(type, instance, key);
  }

  /** Jobs come, go and change their names at any time. */
  #jobWith(fn: unknown): CronJobLike | undefined {
    const all = this.#registry?.getCronJobs() ?? new Map<string, CronJobLike>();
    const nowMs = performance.now();
    const found = all.get(this.#functions?.names.get(fn) ?? '');
    if (found?._callbacks?.includes(fn)) {
      return found;
    }
    if (
      this.#functions?.size === all.size &&
      nowMs - this.#functions.atMs < LOOK_AGAIN_MS
    ) {
      return undefined;
    }
    const names = new Map<unknown, string>();
    for (const [name, job] of all) {
      for (const callback of job._callbacks ?? []) {
        names.set(callback, name);
      }
    }
    this.#functions = { atMs: nowMs, size: all.size, names };
    return all.get(names.get(fn) ?? '');
  }
}

/** Of the jobs of the package `cron` that call a task: mostly one. */
class CronSchedule implements TaskSchedule {
  readonly ledgerProblem?: string;
  readonly #find: (caller?: unknown) => readonly CronJobLike[];
  /** What a decorator asks for. */
  readonly #asked: CronOptions | undefined;
  #wasFound = false;
  /** Kept for as long as the job has the same time. */
  #known:
    { readonly time: CronTimeLike; readonly ticks: CronTicks } | undefined;

  constructor(
    find: (caller?: unknown) => readonly CronJobLike[],
    asked?: CronOptions,
  ) {
    this.#find = find;
    this.#asked = asked;
    if (asked?.runOnInit === true) {
      this.ledgerProblem =
        'has the option runOnInit, whose call belongs to no tick. Leave it ' +
        'out, and begin work at once under @OnElected()';
    }
  }

  get description(): LeaderTaskSchedule | undefined {
    return this.ticks()?.description ?? (this.#asked && describe(this.#asked));
  }

  get state(): TaskSchedule['state'] {
    const jobs = this.#jobs();
    if (jobs.some(isUnderWay)) {
      return 'active';
    }
    return this.#asked || this.#wasFound ? 'inactive' : 'none';
  }

  get waitsForCompletion(): boolean {
    return this.#jobs()[0]?.waitForCompletion === true;
  }

  get hasJob(): boolean | undefined {
    return this.#asked && (this.#wasFound || this.#jobs().length > 0);
  }

  ticks(caller?: unknown): CronTicks | undefined {
    const [job] = this.#jobs(caller);
    if (job && job.cronTime !== this.#known?.time) {
      this.#known = {
        time: job.cronTime,
        ticks: new CronTicks(job.cronTime),
      };
    }
    return job && this.#known?.ticks;
  }

  #jobs(caller?: unknown): readonly CronJobLike[] {
    const jobs = this.#find(caller);
    this.#wasFound ||= jobs.length > 0;
    return jobs;
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
