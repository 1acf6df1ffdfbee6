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

/** A handler of rejections that turns the expected errors into undefined. */
export function unless(...codes: ErrorName[]): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof WireError && codes.includes(error.code)) {
      return undefined;
    }
    throw error;
  };
}

/** Whether nothing is known of what became of a request. */
export function isConnectionLoss(error: unknown): boolean {
  return (
    error instanceof WireError &&
    ['CONNECTION_LOSS', 'OPERATION_TIMEOUT'].includes(error.code)
  );
}
