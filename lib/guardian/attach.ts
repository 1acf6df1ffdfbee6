import type { ConnectionSecurity } from '../zookeeper/connection-security.js';
import type { ServerEndpoint } from '../zookeeper/connection/frame-connection.js';
import {
  Handshake,
  type ConnectionEnd,
  type SessionKey,
} from '../zookeeper/handshake/handshake.js';

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
  /** It is over, and was not ended by {@link Attachment.drop}: nothing follows. */
  onEnd(reason: ConnectionEnd): void;
}

/** A connection to a session of another process. */
export type Attachment = Pick<Handshake, 'ping' | 'drop'>;

/**
 * Attaches to a session, for who takes care of it on behalf of another process.
 * Sets no timers: the caller bounds it. Never throws: keys that cannot be read, too,
 * are reported as the end of the connection.
 */
export function attach(
  { server, session, sessionTimeoutMs, security, purpose }: AttachOptions,
  events: AttachEvents,
): Attachment {
  const attachment = new Handshake({
    endpoint: server,
    security,
    session,
    sessionTimeoutMs,
    // An attached connection reads nothing, so any server is recent enough.
    lastZxidSeen: 0,
    finish: purpose === 'close' ? 'closeSession' : 'ping',
    onAnswer: () => events.onAnswer(),
    onGranted: ({ id }) => {
      // ClickHouse Keeper gives a new session to everybody.
      if (id !== session.id && purpose === 'keep') {
        attachment.end('expired');
      }
    },
    onDone: () => events.onDone(),
    onEnd: (reason) => events.onEnd(reason),
  });
  return attachment;
}
