import { type DiscoveryService, MetadataScanner } from '@nestjs/core';
import type { CronTimeLike } from './cron-ticks.js';

/** A `CronJob` of the package `cron`. */
export interface CronJobLike {
  readonly cronTime: CronTimeLike;
  readonly isActive?: boolean;
  readonly lastExecution?: Date | null;
  readonly waitForCompletion?: boolean;
  readonly _callbacks?: readonly unknown[];
  fireOnTick?(): unknown;
}

/** The `SchedulerRegistry` of `@nestjs/schedule`. */
export interface SchedulerRegistryLike {
  getCronJobs(): Map<string, CronJobLike>;
  getIntervals(): string[];
  doesExist(type: 'cron' | 'interval' | 'timeout', name: string): boolean;
}

/** The `SchedulerOrchestrator`: what it has been given by decorators, by name. */
export interface OrchestratorLike {
  readonly cronJobs: Record<string, unknown>;
  readonly intervals: Record<string, unknown>;
}

/** What `@Cron()` has been given. */
export interface CronOptions {
  readonly name?: string;
  readonly cronTime: unknown;
  readonly timeZone?: string | null;
  readonly utcOffset?: number | null;
  readonly runOnInit?: boolean;
}

/** Metadata keys and values of `@nestjs/schedule`. */
export const SCHEDULER_TYPE = 'SCHEDULER_TYPE';
export const SCHEDULER_NAME = 'SCHEDULER_NAME';
export const [CRON, TIMEOUT, INTERVAL] = [1, 2, 3];

/**
 * The names of jobs that have been given none. Such jobs have a random one. The
 * orchestrator has them in the order in which the explorer of `@nestjs/schedule` came
 * upon their methods: it is gone through once more.
 */
export class JobNames {
  readonly #discovery: DiscoveryService;
  #owners:
    | { count: number; names: Map<object, Map<string, readonly string[]>> }
    | undefined;

  constructor(discovery: DiscoveryService) {
    this.#discovery = discovery;
  }

  /** The names of the jobs of a method: mostly one. */
  of(
    type: keyof OrchestratorLike,
    instance: object,
    key: string,
  ): readonly string[] {
    const known = this.#owners?.names.get(instance)?.get(`${type} ${key}`);
    if (known) {
      return known;
    }
    const orchestrators = this.#discovery
      .getProviders()
      .map(({ instance: each }): unknown => each)
      .filter(isOrchestrator);
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
    return this.#owners.names.get(instance)?.get(`${type} ${key}`) ?? [];
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
}

export function isCronJob(value: unknown): value is CronJobLike {
  const time = (value as CronJobLike | null | undefined)?.cronTime;
  return typeof time?.getNextDateFrom === 'function';
}

/**
 * Not by the name of its class, which a bundler may have shortened, and not by
 * the object, which may be a mock that has every method.
 */
export function isSchedulerRegistry(
  value: unknown,
): value is SchedulerRegistryLike {
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
