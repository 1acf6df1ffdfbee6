/**
 * What went wrong with a ZooKeeper request.
 *
 * `CONNECTION_LOSS` and `TIMEOUT` leave the outcome of a write unknown: it may
 * or may not have happened. All other codes are the server's own answer.
 *
 * @publicApi
 */
export type ZookeeperErrorCode =
  | 'CONNECTION_LOSS'
  | 'TIMEOUT'
  | 'SESSION_EXPIRED'
  | 'SESSION_MOVED'
  | 'NO_NODE'
  | 'NODE_EXISTS'
  | 'NOT_EMPTY'
  | 'BAD_VERSION'
  | 'NO_CHILDREN_FOR_EPHEMERALS'
  | 'NO_AUTH'
  | 'AUTH_FAILED'
  | 'INVALID_ACL'
  | 'TLS_FAILED'
  | 'QUOTA_EXCEEDED'
  | 'THROTTLED'
  | 'UNIMPLEMENTED'
  | 'BAD_ARGUMENTS'
  | 'CLOSED'
  | 'KEEPER_UNAVAILABLE'
  | 'UNKNOWN';

/**
 * A failed ZooKeeper request, or a ZooKeeper session that cannot be had.
 *
 * @example
 * ```ts
 * try {
 *   await election.participants();
 * } catch (error) {
 *   if (error instanceof ZookeeperError && error.code === 'CONNECTION_LOSS') {
 *     // ZooKeeper is not reachable right now
 *   }
 * }
 * ```
 *
 * @publicApi
 */
export class ZookeeperError extends Error {
  override readonly name = 'ZookeeperError';

  constructor(
    readonly code: ZookeeperErrorCode,
    message: string,
    readonly path?: string,
  ) {
    super(message);
  }
}

/** What went wrong with a request, and with which one. */
export function requestError(
  code: ZookeeperErrorCode,
  { operation, path }: { readonly operation: string; readonly path: unknown },
  why: string,
): ZookeeperError {
  const text = typeof path === 'string' ? path : typeof path;
  return new ZookeeperError(code, `${operation} ${text}: ${why}`, text);
}

/** Whether `error` is a {@link ZookeeperError} with one of the given codes. */
export function isZookeeperError(
  error: unknown,
  ...codes: ZookeeperErrorCode[]
): error is ZookeeperError {
  return error instanceof ZookeeperError && codes.includes(error.code);
}

/**
 * Whether a request failed because the session is not usable at the moment.
 * The caller can only wait for the next connection.
 */
export function isConnectionError(error: unknown): error is ZookeeperError {
  return isZookeeperError(
    error,
    'CONNECTION_LOSS',
    'TIMEOUT',
    'SESSION_EXPIRED',
    'SESSION_MOVED',
    'CLOSED',
    'KEEPER_UNAVAILABLE',
  );
}
