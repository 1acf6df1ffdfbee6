import { OPERATIONS, writeRequest } from '../codec/operations.js';
import { XIDS } from '../codec/xids.js';
import type { ConnectionSecurity } from '../connection-security.js';
import {
  FrameConnection,
  type ServerEndpoint,
} from '../connection/frame-connection.js';
import { Handshake, type SessionKey } from './handshake.js';

export interface AttachOptions {
  readonly server: ServerEndpoint;
  readonly session: SessionKey;
  /** The one that the server has granted: another one would change it. */
  readonly sessionTimeoutMs: number;
  readonly security: ConnectionSecurity;
  /**
   * `keep`: the session goes on, over this connection instead of the one before.
   * `close`: the session is ended, without another round trip.
   */
  readonly purpose: 'keep' | 'close';
}

export interface AttachEvents {
  /** Attached; or, to `close` the session, done. Called once at most. */
  onDone(): void;
  /** The server has said something: it is alive. */
  onAnswer(): void;
  /**
   * It is over, and was not ended by {@link Attachment.drop}: nothing follows.
   * `expired`: the server does not know the session (any more).
   */
  onEnd(reason: 'expired' | Error): void;
}

/** A connection to a session of another process. */
export interface Attachment {
  /** A sign of life for the session. */
  ping(): void;
  /** Ends the connection, never the session. Nothing is reported any more. */
  drop(): void;
}

/**
 * Attaches to a session, for who takes care of it on behalf of another process.
 * Sets no timers: the caller bounds it. Never throws: keys that cannot be read, too,
 * are reported as the end of the connection.
 */
export function attach(
  options: AttachOptions,
  events: AttachEvents,
): Attachment {
  try {
    return connect(options, events);
  } catch (error) {
    const report = setImmediate(() => events.onEnd(error as Error));
    return { ping: () => undefined, drop: () => clearImmediate(report) };
  }
}

/** @throws if the options are such that a connection cannot even be tried */
function connect(
  { server, session, sessionTimeoutMs, security, purpose }: AttachOptions,
  events: AttachEvents,
): Attachment {
  const end = (reason: 'expired' | Error): void => {
    handshake.abandon();
    frames.destroy();
    events.onEnd(reason);
  };
  const frames = new FrameConnection(server, security.tls, {
    onOpen: () => {
      try {
        handshake.begin();
      } catch (error) {
        end(error as Error);
      }
    },
    onFrame: (reader) => {
      events.onAnswer();
      handshake.receive(reader);
    },
    onEnd: end,
  });
  const handshake = new Handshake(frames, {
    session,
    // An attached connection reads nothing, so any server is recent enough.
    lastZxidSeen: 0,
    sessionTimeoutMs,
    sasl: security.sasl,
    auth: security.auth,
    finish: purpose === 'close' ? 'closeSession' : 'ping',
    onGranted: ({ id }) => {
      // ClickHouse Keeper gives a new session to everybody.
      if (id !== session.id && purpose === 'keep') {
        end('expired');
      }
    },
    onDone: () => events.onDone(),
    onRefused: end,
  });
  return {
    ping: () => {
      writeRequest(frames.writer, XIDS.ping, OPERATIONS.ping, undefined);
      frames.flush();
    },
    drop: () => {
      handshake.abandon();
      frames.destroy();
    },
  };
}
