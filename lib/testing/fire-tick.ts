import { ModulesContainer } from '@nestjs/core';
import { tasksOf } from '../tasks/only-leader.decorator.js';
import { isSchedulerRegistry } from '../tasks/schedule/nest-scheduler.js';
import type { ApplicationLike } from './application-like.js';

/**
 * Calls a scheduled method as its scheduler does at a tick, now: on the leader it
 * runs, elsewhere it does nothing. The tick is the one of the present time, which
 * fake timers can set. Resolves to what the method returns.
 *
 * @param name of the leader task (`Class.method`, or its option `task`), of the
 * `@Cron()`, `@Interval()` or `@Timeout()`, or of a job of the `SchedulerRegistry`
 * @throws {TypeError} (rejects) if there is nothing of that name
 *
 * @example
 * ```ts
 * fakeElectionOf(app).elect();
 * await fireTick(app, 'InvoicesService.sendInvoices');
 * expect(mailer.sent).toHaveLength(1);
 * ```
 *
 * @publicApi
 */
export async function fireTick(
  application: ApplicationLike,
  name: string,
): Promise<unknown> {
  const modules = [
    ...application.get(ModulesContainer, { strict: false }).values(),
  ];
  const instances = new Set(
    modules.flatMap(({ providers, controllers }) =>
      [...providers.values(), ...controllers.values()].map(
        ({ instance }): unknown => instance,
      ),
    ),
  );
  const objects = [...instances].filter(isObject);
  const known: string[] = [];
  for (const object of objects) {
    for (const { key, options } of tasksOf(object)) {
      const method = (object as Record<string | symbol, unknown>)[key];
      const names = [
        options.task ?? `${object.constructor.name}.${String(key)}`,
        ...scheduledName(method),
      ];
      known.push(...names);
      if (names.includes(name)) {
        return await (method as () => unknown).call(object);
      }
    }
  }
  for (const registry of objects.filter(isSchedulerRegistry)) {
    const jobs = registry.getCronJobs();
    known.push(...jobs.keys());
    const job = jobs.get(name);
    if (job) {
      return await job.fireOnTick?.();
    }
  }
  throw new TypeError(
    `fireTick(): there is no leader task and no job "${name}"; there are ` +
      ([...new Set(known)].map((each) => `"${each}"`).join(', ') || 'none'),
  );
}

function scheduledName(method: unknown): string[] {
  const name: unknown =
    typeof method === 'function' &&
    Reflect.getMetadata('SCHEDULER_NAME', method);
  return typeof name === 'string' ? [name] : [];
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
