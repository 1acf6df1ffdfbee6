import type { ErrorName } from './protocol.js';

/** A request that failed, with the name of ZooKeeper's error. */
export class WireError extends Error {
  constructor(
    readonly code: ErrorName,
    what: string,
  ) {
    super(`${code}: ${what}`);
    this.name = 'WireError';
  }
}

/** A handler of rejections that turns the one expected error into undefined. */
export function unless(code: ErrorName): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof WireError && error.code === code) {
      return undefined;
    }
    throw error;
  };
}
