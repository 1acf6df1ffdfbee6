import type { ClientSettings } from '../../zookeeper/client-factory.interface.js';
import type { NodeEvent } from '../../zookeeper/zookeeper-client.interface.js';
import type { NATIVE_CALLS } from './native-zookeeper.js';

/*
 * The messages between the application and its session keeper, as JSON. Both ends
 * come from one package. The application checks the arguments of requests: the native
 * client aborts its process for some that it does not expect.
 */

/** A session: a process that has its id and password can take it over. */
export interface KeptSession {
  readonly id: string;
  readonly password: string;
  /** As the server granted it. */
  readonly timeoutMs: number;
}

/** One request, with the arguments that the native client takes after the path. */
export type RequestTuple = readonly [
  xid: number,
  operation: keyof typeof NATIVE_CALLS,
  path: string,
  ...args: (string | number | boolean)[],
];

/**
 * Answer to a request: ZooKeeper's return code, and what the native client calls
 * back with: texts, lists of texts and `NodeStat`s; null where there is none.
 */
export type ReplyTuple = readonly [
  xid: number,
  code: number,
  ...values: unknown[],
];

export interface OpenMessage extends Omit<ClientSettings, 'onNotice'> {
  readonly type: 'open';
  /** To take over from a keeper that has died. */
  readonly session: KeptSession | undefined;
}

export interface RequestsMessage {
  readonly type: 'requests';
  /**
   * Number of the connection that they are meant for: one that has ended in the
   * meantime, perhaps with its session, must not pass them on to the next.
   */
  readonly connection: number;
  readonly requests: readonly RequestTuple[];
}

export type ToKeeper =
  | OpenMessage
  | RequestsMessage
  /** Ends this session, if it is still that one, and takes another. */
  | { readonly type: 'replace'; readonly sessionId: string }
  /** A sign of life; the keeper answers it. */
  | { readonly type: 'alive' }
  /** Ends the session, then the process; the keeper says first that it lives. */
  | { readonly type: 'close' };

export type FromKeeper =
  | { readonly type: 'alive' }
  /** None of the servers answered; the keeper goes on trying. */
  | { readonly type: 'unreachable'; readonly reasons: readonly string[] }
  | {
      readonly type: 'connected';
      /** Counts the connections of this keeper. */
      readonly connection: number;
      readonly session: KeptSession;
      readonly server: string;
    }
  | { readonly type: 'suspended'; readonly reason: string }
  | { readonly type: 'expired'; readonly sessionId: string }
  /** Answers and events come in the order in which ZooKeeper sent them. */
  | { readonly type: 'replies'; readonly replies: readonly ReplyTuple[] }
  /** Something happened to a watched node. */
  | {
      readonly type: 'fired';
      readonly event: NodeEvent;
      readonly path: string;
    };
