/**
 * The messages between the application and its session keeper, as JSON. Both ends
 * come from one package, so the version guards against a mixed installation only.
 */
export const PROTOCOL_VERSION = 4;

/** Identity of a session: a process that has it can take the session over. */
export interface SessionCredentials {
  readonly id: string;
  readonly password: string;
}

export interface OpenMessage {
  readonly type: 'open';
  readonly version: number;
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  readonly sessionTimeoutMs: number;
  readonly maxStallMs: number;
  /** Session to take over from a keeper that has died. */
  readonly session?: SessionCredentials;
}

export type RequestOperation =
  'create' | 'get' | 'children' | 'set' | 'delete' | 'sync';

/**
 * One request: its id, what to do, the path, and per operation
 * - `create`: data, the create flags;
 * - `get`, `children`: no data, 1 to watch or 0;
 * - `set`: data, the expected version;
 * - `delete`: no data, the expected version;
 * - `sync`: no data, 0.
 *
 * A tuple, because names cost bytes on a path that every request takes.
 */
export type RequestTuple = readonly [
  id: number,
  operation: RequestOperation,
  path: string,
  data: string,
  argument: number,
];

export type ToKeeper =
  | OpenMessage
  | {
      readonly type: 'requests';
      /**
       * Number of the connection that they are meant for: one that has ended
       * in the meantime, perhaps with its session, must not pass them on to
       * the next.
       */
      readonly connection: number;
      readonly requests: readonly RequestTuple[];
    }
  /** Ends the session and takes another one. */
  | { readonly type: 'replace' }
  /** A sign of life; the keeper answers it. */
  | { readonly type: 'alive' }
  | { readonly type: 'close' };

/** The stat fields in the order of {@link NodeStat}. */
export type StatTuple = readonly [
  czxid: number,
  mzxid: number,
  pzxid: number,
  version: number,
  numChildren: number,
  ephemeralOwner: string,
  createdAtMs: number,
  modifiedAtMs: number,
];

/** Answer to a request: ZooKeeper's return code and what the request yields. */
export type ReplyTuple = readonly [
  id: number,
  code: number,
  value?: string | string[],
  stat?: StatTuple,
];

/** Something happened to a watched node. */
export type WatchTuple = readonly [
  event: 'created' | 'deleted' | 'changed' | 'children',
  path: string,
];

export type FromKeeper =
  | { readonly type: 'ready'; readonly version: number }
  /** The keeper cannot work here; it exits after this message. */
  | { readonly type: 'unusable'; readonly reason: string }
  /** None of the servers answered; the keeper goes on trying. */
  | { readonly type: 'unreachable'; readonly reason: string }
  | {
      readonly type: 'connected';
      /** Counts the connections of this keeper. */
      readonly connection: number;
      readonly session: SessionCredentials;
      readonly sessionTimeoutMs: number;
      readonly server: string;
    }
  | { readonly type: 'suspended' }
  | {
      readonly type: 'expired';
      readonly cause: 'server' | 'stall' | 'replaced';
    }
  /** Replies and watch events in the order in which ZooKeeper sent them. */
  | {
      readonly type: 'batch' | 'replaced';
      readonly items: readonly (ReplyTuple | WatchTuple)[];
    }
  | { readonly type: 'alive' }
  /**
   * The order to close has arrived. A session that is out of reach takes a while
   * to end; the application need not wait for that.
   */
  | { readonly type: 'closing'; readonly isOutOfReach: boolean }
  | { readonly type: 'closed' };

export function isWatchTuple(
  item: ReplyTuple | WatchTuple,
): item is WatchTuple {
  return typeof item[0] === 'string';
}
