import type { GuardedSession } from '../../zookeeper/session-guardian.interface.js';
import type { ProcessIdentity } from '../process-identity.js';

/*
 * What application and guardian say to each other: a line of JSON for each
 * message, and a short line for a sign of life, which is answered by another.
 */

/** Both sides are of one version of this package, unless it is a sidecar's. */
export const PROTOCOL_VERSION = 1;

/** A sign of life, or the answer to it. */
export const SIGN = '.';

export type ToGuardian =
  | {
      readonly type: 'hello';
      readonly version: number;
      readonly application: ProcessIdentity;
      /** What `run` has given to those below it. */
      readonly token?: string;
    }
  | {
      readonly type: 'guard';
      /** Counted by the application. */
      readonly number: number;
      readonly session: GuardedSession;
      readonly maxStallMs: number;
    }
  | { readonly type: 'release'; readonly number: number }
  /** The application ends: close the session, if there is one. */
  | { readonly type: 'close' };

export type FromGuardian =
  | {
      readonly type: 'ready';
      readonly version: number;
      /** Whether it can tell if the application's process lives. */
      readonly canSeeProcess: boolean;
    }
  /** `guard` or `release` has been done. */
  | { readonly type: 'done'; readonly number: number }
  /** The session has been closed already, or the guardian cannot have it. */
  | {
      readonly type: 'refused';
      readonly number: number;
      readonly reason: string;
    }
  /** With what the application has given, no connection can be made. */
  | { readonly type: 'unable'; readonly reason: string }
  | { readonly type: 'closing' };

const BYTES_KEY = '$base64';

/** One line, its end included. */
export function encode(message: ToGuardian | FromGuardian): string {
  return `${JSON.stringify(message, function (this: unknown, key, value) {
    // Buffers have been turned into something else before this is called.
    const original = (this as Record<string, unknown>)[key];
    return original instanceof Uint8Array
      ? { [BYTES_KEY]: Buffer.from(original).toString('base64') }
      : (value as unknown);
  })}\n`;
}

/**
 * The message of one line.
 *
 * @throws {SyntaxError} if it is none
 */
export function decode(line: string): { readonly type: string } {
  const message: unknown = JSON.parse(line, (_key, value: unknown) => {
    const text = isRecord(value) ? value[BYTES_KEY] : undefined;
    return typeof text === 'string' ? Buffer.from(text, 'base64') : value;
  });
  if (!isRecord(message) || typeof message.type !== 'string') {
    throw new SyntaxError('not a message of the guardian protocol');
  }
  return message as { readonly type: string };
}

/** Whether a message is well-formed enough for a guardian to act on it. */
export function isToGuardian(message: {
  readonly type: string;
}): message is ToGuardian {
  const fields = message as Record<string, unknown>;
  switch (message.type) {
    case 'hello':
      return (
        typeof fields.version === 'number' &&
        isRecord(fields.application) &&
        typeof fields.application.pid === 'number'
      );
    case 'guard':
      return (
        typeof fields.number === 'number' &&
        typeof fields.maxStallMs === 'number' &&
        isSession(fields.session)
      );
    case 'release':
      return typeof fields.number === 'number';
    default:
      return message.type === 'close';
  }
}

/** Whether a message is well-formed enough for an application to act on it. */
export function isFromGuardian(message: {
  readonly type: string;
}): message is FromGuardian {
  const fields = message as Record<string, unknown>;
  switch (message.type) {
    case 'ready':
      return typeof fields.version === 'number';
    case 'done':
    case 'refused':
      return typeof fields.number === 'number';
    case 'unable':
      return typeof fields.reason === 'string';
    default:
      return message.type === 'closing';
  }
}

function isSession(session: unknown): boolean {
  return (
    isRecord(session) &&
    Array.isArray(session.servers) &&
    session.servers.every(isServer) &&
    isServer(session.server) &&
    typeof session.server.address === 'string' &&
    isRecord(session.security) &&
    Array.isArray(session.security.auth) &&
    session.security.auth.every(isIdentity) &&
    typeof session.sessionId === 'string' &&
    /^[0-9a-f]{1,16}$/.test(session.sessionId) &&
    session.password instanceof Uint8Array &&
    typeof session.sessionTimeoutMs === 'number' &&
    session.sessionTimeoutMs > 0
  );
}

function isIdentity(auth: unknown): boolean {
  return (
    isRecord(auth) &&
    typeof auth.scheme === 'string' &&
    (typeof auth.secret === 'string' || auth.secret instanceof Uint8Array)
  );
}

function isServer(server: unknown): server is Record<string, unknown> {
  return (
    isRecord(server) &&
    typeof server.host === 'string' &&
    typeof server.port === 'number'
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
