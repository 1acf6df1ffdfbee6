/**
 * A module-level registry that exists once per process, even where the ES
 * module build and the CommonJS build of this library are both loaded.
 */
export function sharedRegistry<T>(name: string, create: () => T): T {
  const key = Symbol.for(`nestjs-zookeeper-leader:${name}`);
  const holder = globalThis as { [key: symbol]: T | undefined };
  return (holder[key] ??= create());
}
