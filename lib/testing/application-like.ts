import type { Type } from '@nestjs/common';

/** What applications and testing modules have in common. */
export interface ApplicationLike {
  get<T>(
    token: Type<T> | (abstract new (...args: never[]) => T) | string,
    options: { strict: false },
  ): T;
}

/**
 * Whether `target` is a Nest application or testing module. By looks: Nest may be
 * installed more than once, and an application is behind a proxy.
 */
export function isApplication(target: object): target is ApplicationLike {
  return ['get', 'resolve', 'select', 'init', 'close'].every(
    (name) => typeof (target as Record<string, unknown>)[name] === 'function',
  );
}
