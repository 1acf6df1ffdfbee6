import type { ConnectionSecurity } from './connection-security.js';
import type { ServerAddress } from './connection-string.js';
import type { ServerEndpoint } from './connection/frame-connection.js';

/** A session, and what somebody needs who attaches to it. Holds secrets. */
export interface GuardedSession {
  /** All servers, as the user named them. */
  readonly servers: readonly ServerAddress[];
  /** The one that the application is connected to. */
  readonly server: ServerEndpoint;
  /** Hexadecimal. */
  readonly sessionId: string;
  readonly password: Buffer;
  /** The one that the server granted. */
  readonly sessionTimeoutMs: number;
  /**
   * Of the connection in use: files have been read, functions called. A SASL
   * login by a function of the application cannot be handed to another process:
   * see {@link SaslLogin}.
   */
  readonly security: ConnectionSecurity;
}

/**
 * Takes care of the session when the application cannot: closes that of a dead
 * application, keeps that of a stalled one alive.
 */
export interface SessionGuardian {
  /**
   * Starts the guardian. Resolves when it can be used, or cannot be had: it says
   * why itself. Never rejects.
   */
  start(): Promise<void>;
  /**
   * Hands the session over; called at every connection. Resolves to true when
   * the guardian has acknowledged it, and to false when it has not within a
   * bounded time: the caller goes on then. Never rejects.
   */
  guard(session: GuardedSession): Promise<boolean>;
  /**
   * A sign of life: called right before requests are written. Cheap; never throws.
   * Those at regular intervals are the guardian's own affair.
   */
  signOfLife(): void;
  /** The session has ended: there is nothing to guard. Never rejects. */
  release(): Promise<void>;
  /**
   * The end; bounded. A session that has not been released before could not be
   * reached to be closed: the guardian closes it when this process is gone.
   */
  stop(): Promise<void>;
}
