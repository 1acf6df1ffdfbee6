import type { ServerAddress } from '../zookeeper/connection-string.js';
import type { GuardedSession } from '../zookeeper/session-guardian.interface.js';

/** A guardian's own connection with a session of the application. */
export interface Attachment {
  ping(): void;
  /** Says closeSession; the end of the connection tells what came of it. */
  close(): void;
  /** Gives the connection up at once; the session lives on. */
  drop(): void;
}

export interface AttachRequest {
  readonly session: GuardedSession;
  readonly server: ServerAddress;
  /** The session is to be closed as soon as the server permits. */
  readonly isClosing: boolean;
  /** The session is with this connection now. */
  onAttached(): void;
  /** The server has said something. */
  onAnswer(): void;
  /**
   * The connection is gone, or was never made. Comes once, and not after
   * {@link Attachment.drop}. `isSessionOver`: the server has said that the
   * session is closed or unknown.
   */
  onEnd(isSessionOver: boolean): void;
}

export type Attach = (request: AttachRequest) => Attachment;
