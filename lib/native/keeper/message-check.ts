import type {
  FromKeeper,
  OpenMessage,
  ReplyTuple,
  RequestTuple,
  ToKeeper,
  WatchTuple,
} from './protocol.js';

/** Above this a server with default settings drops the connection. */
const LONGEST_DATA_BYTES = 1_000_000;
const INT32 = 2 ** 31;

const OPERATIONS: ReadonlySet<unknown> = new Set<RequestTuple[1]>([
  'create',
  'get',
  'children',
  'set',
  'delete',
  'sync',
]);
const EVENTS: ReadonlySet<unknown> = new Set<WatchTuple[0]>([
  'created',
  'deleted',
  'changed',
  'children',
]);

/**
 * Says what is wrong with a request; undefined if nothing is. The native client
 * aborts the process for some arguments and mistakes others, so both ends look.
 */
export function describeRequestProblem(
  operation: unknown,
  path: unknown,
  data: unknown,
  argument: unknown,
): string | undefined {
  if (!OPERATIONS.has(operation)) {
    return 'there is no such operation';
  }
  if (typeof path !== 'string' || !path.startsWith('/')) {
    return 'the path is not absolute: it must be a text that starts with "/"';
  }
  if (path.includes('\0')) {
    // The native client would take what stands before it for the path.
    return 'the path contains the character NUL';
  }
  if (typeof data !== 'string') {
    return 'the data are not a text';
  }
  if (isTooLong(data)) {
    return `the data are longer than ${LONGEST_DATA_BYTES} bytes`;
  }
  if (
    !Number.isInteger(argument) ||
    (argument as number) < -1 ||
    (argument as number) >= INT32
  ) {
    return operation === 'create'
      ? 'there is no such kind of node'
      : 'the version is not a whole number from -1 to 2147483647';
  }
  return undefined;
}

/** Whether a message that came from the application can be understood. */
export function isToKeeper(value: unknown): value is ToKeeper {
  const message = fieldsOf(value);
  switch (message?.type) {
    case 'open':
      // Another version may look different, and is refused for that reason.
      return typeof message.version === 'number';
    case 'requests':
      return (
        Number.isInteger(message.connection) &&
        Array.isArray(message.requests) &&
        message.requests.every(
          (request: unknown) =>
            Array.isArray(request) && Number.isSafeInteger(request[0]),
        )
      );
    case 'alive':
    case 'replace':
    case 'close':
      return true;
    default:
      return false;
  }
}

/** Says what is wrong with an order to open; undefined if nothing is. */
export function describeOpenProblem(message: OpenMessage): string | undefined {
  const { servers, sessionTimeoutMs, maxStallMs, session } = message;
  const areServers =
    Array.isArray(servers) &&
    servers.length > 0 &&
    servers.every((server: unknown) => {
      const { host, port } = fieldsOf(server) ?? {};
      return isText(host) && Number.isInteger(port);
    });
  if (!areServers) {
    return 'it names no servers';
  }
  // The native client takes 0 for 20 seconds and never connects with less.
  if (!isDuration(sessionTimeoutMs) || !isDuration(maxStallMs)) {
    return 'a timeout is not a whole number of milliseconds';
  }
  if (
    session !== undefined &&
    !(
      /^[0-9a-f]{1,16}$/.test(session.id) &&
      /^[0-9A-F]{32}$/.test(session.password)
    )
  ) {
    return 'its session is malformed';
  }
  return undefined;
}

/** Whether a message that came from the keeper can be understood. */
export function isFromKeeper(value: unknown): value is FromKeeper {
  const message = fieldsOf(value);
  switch (message?.type) {
    case 'connected': {
      const session = fieldsOf(message.session);
      return (
        Number.isInteger(message.connection) &&
        isDuration(message.sessionTimeoutMs) &&
        isText(message.server) &&
        isText(session?.id) &&
        isText(session?.password)
      );
    }
    case 'batch':
      return Array.isArray(message.items) && message.items.every(isItem);
    case 'unusable':
    case 'unreachable':
      return typeof message.reason === 'string';
    case 'ready':
    case 'suspended':
    case 'expired':
    case 'alive':
    case 'closing':
    case 'closed':
      return true;
    default:
      return false;
  }
}

function isItem(item: unknown): item is ReplyTuple | WatchTuple {
  return (
    Array.isArray(item) &&
    (typeof item[0] === 'number'
      ? Number.isInteger(item[1])
      : EVENTS.has(item[0]) && typeof item[1] === 'string')
  );
}

function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)
    : undefined;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isDuration(value: unknown): boolean {
  return (
    Number.isInteger(value) &&
    (value as number) > 1 &&
    (value as number) < INT32
  );
}

function isTooLong(data: string): boolean {
  // A character of UTF-16 takes three bytes at most.
  return (
    data.length > LONGEST_DATA_BYTES / 3 &&
    Buffer.byteLength(data) > LONGEST_DATA_BYTES
  );
}
