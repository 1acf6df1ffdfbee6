import type {
  NodeEvent,
  NodeStat,
} from '../../zookeeper/zookeeper-client.interface.js';

/*
 * The messages between the application and its session keeper, as JSON. Both ends
 * come from one package. The application checks the arguments of requests: the native
 * client aborts its process for some that it does not expect.
 */

/** Identity of a session: a process that has it can take the session over. */
export interface SessionCredentials {
  readonly id: string;
  readonly password: string;
}

export type RequestOperation =
  'create' | 'get' | 'getChildren' | 'set' | 'delete' | 'sync';

/**
 * One request. The argument of `create` is its flags, that of `get` and
 * `getChildren` 1 to watch or 0, that of `set` and `delete` the version.
 */
export type RequestTuple = readonly [
  xid: number,
  operation: RequestOperation,
  path: string,
  data: string,
  argument: number,
];

/** Answer to a request: ZooKeeper's return code and what the request yields. */
export type ReplyTuple = readonly [
  xid: number,
  code: number,
  value?: string | string[],
  stat?: NodeStat | undefined,
];

/** Something happened to a watched node. */
export type WatchTuple = readonly [event: NodeEvent, path: string];

export type ToKeeper =
  | {
      readonly type: 'open';
      readonly servers: readonly {
        readonly host: string;
        readonly port: number;
      }[];
      readonly sessionTimeoutMs: number;
      readonly maxStallMs: number;
      /** Session to take over from a keeper that has died. */
      readonly session?: SessionCredentials;
    }
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
  /** Ends this session, if it is still that one, and takes another. */
  | { readonly type: 'replace'; readonly sessionId: string }
  /** A sign of life; the keeper answers it. */
  | { readonly type: 'alive' }
  /** Ends the session, then the process; the keeper says first that it lives. */
  | { readonly type: 'close' };

export type OpenMessage = Extract<ToKeeper, { type: 'open' }>;

export type FromKeeper =
  | { readonly type: 'alive' }
  /** The keeper cannot work here; it exits after this message. */
  | { readonly type: 'unusable'; readonly reason: string }
  /** None of the servers answered; the keeper goes on trying. */
  | { readonly type: 'unreachable'; readonly reasons: readonly string[] }
  | {
      readonly type: 'connected';
      /** Counts the connections of this keeper. */
      readonly connection: number;
      readonly session: SessionCredentials;
      readonly sessionTimeoutMs: number;
      readonly server: string;
    }
  | { readonly type: 'suspended'; readonly reason: string }
  | { readonly type: 'expired'; readonly sessionId: string }
  /** Replies and watch events in the order in which ZooKeeper sent them. */
  | {
      readonly type: 'batch';
      readonly items: readonly (ReplyTuple | WatchTuple)[];
    };

export function isWatchTuple(
  item: ReplyTuple | WatchTuple,
): item is WatchTuple {
  return typeof item[0] === 'string';
}
