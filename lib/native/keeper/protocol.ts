import { describeRequestProblem } from '../../zookeeper/request-check.js';
import type {
  NodeEvent,
  NodeStat,
} from '../../zookeeper/zookeeper-client.interface.js';

/*
 * The messages between the application and its session keeper, as JSON. Both ends
 * come from one package. What either end gets is checked in any case: the native
 * client aborts the process for arguments that it does not expect.
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

/** Whether a message that came from the application can be understood. */
export function isToKeeper(value: unknown): value is ToKeeper {
  return isOneOf(TO_KEEPER, value);
}

/** Whether a message that came from the keeper can be understood. */
export function isFromKeeper(value: unknown): value is FromKeeper {
  return isOneOf(FROM_KEEPER, value);
}

type Check = (value: unknown) => boolean;

const isInt: Check = Number.isInteger;
const isText: Check = (value) => typeof value === 'string';
/** The native client takes 0 for 20 seconds and never connects with less. */
const duration: Check = (value) =>
  isInt(value) && (value as number) > 1 && (value as number) < 2 ** 31;
const matching =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value);
const listOf =
  (item: Check, least = 0): Check =>
  (value) =>
    Array.isArray(value) && value.length >= least && value.every(item);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const shape =
  (fields: Record<string, Check>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(fields).every(([name, check]) =>
      check((value as Record<string, unknown>)[name]),
    );

const OPERATIONS = matching(/^(?:create|get|getChildren|set|delete|sync)$/);
const EVENTS = matching(/^(?:created|deleted|changed|children)$/);

const isSessionId = matching(/^[0-9a-f]{1,16}$/);
const session = shape({
  id: isSessionId,
  password: matching(/^[0-9A-F]{32}$/),
});

const request: Check = (value) => {
  const [xid, operation, path, data, argument] = Array.isArray(value)
    ? (value as unknown[])
    : [];
  return (
    isInt(xid) &&
    OPERATIONS(operation) &&
    isText(data) &&
    isInt(argument) &&
    describeRequestProblem(path, { data, version: argument }) === undefined
  );
};

const item: Check = (value) =>
  Array.isArray(value) &&
  (typeof value[0] === 'string'
    ? EVENTS(value[0]) && isText(value[1])
    : isInt(value[0]) && isInt(value[1]));

const TO_KEEPER: Record<ToKeeper['type'], Check> = {
  open: shape({
    servers: listOf(shape({ host: matching(/./), port: isInt }), 1),
    sessionTimeoutMs: duration,
    maxStallMs: duration,
    session: optional(session),
  }),
  requests: shape({ connection: isInt, requests: listOf(request) }),
  replace: shape({ sessionId: isSessionId }),
  alive: shape({}),
  close: shape({}),
};

const FROM_KEEPER: Record<FromKeeper['type'], Check> = {
  alive: shape({}),
  unusable: shape({ reason: isText }),
  unreachable: shape({ reasons: listOf(isText) }),
  connected: shape({
    connection: isInt,
    session,
    sessionTimeoutMs: duration,
    server: isText,
  }),
  suspended: shape({ reason: isText }),
  expired: shape({ sessionId: isSessionId }),
  batch: shape({ items: listOf(item) }),
};

function isOneOf(checks: Record<string, Check>, value: unknown): boolean {
  if (!shape({ type: isText })(value)) {
    return false;
  }
  const { type } = value as { type: string };
  return Object.hasOwn(checks, type) && checks[type]?.(value) === true;
}
