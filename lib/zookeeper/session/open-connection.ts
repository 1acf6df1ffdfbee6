import type { JuteReader } from '../codec/jute-reader.js';
import {
  FrameConnection,
  type ServerEndpoint,
} from '../connection/frame-connection.js';
import type { ConnectionSecurity } from '../connection-security.js';
import {
  Handshake,
  type GrantedSession,
  type HandshakeOptions,
} from '../handshake/handshake.js';
import { Deferred } from './deferred.js';

export interface OpenConnectionOptions extends Pick<
  HandshakeOptions,
  'session' | 'lastZxidSeen' | 'sessionTimeoutMs' | 'finish'
> {
  readonly endpoint: ServerEndpoint;
  readonly security: ConnectionSecurity;
  /** Until the server has granted the session. */
  readonly connectTimeoutMs: number;
  /** The server knows the session; identities are still to be proved. */
  readonly onGranted: (session: GrantedSession) => void;
  /** The session has been ended, as `finish` asked for. */
  readonly onClosed: () => void;
  /** Whom frames go to from now on, while the connection lasts. */
  readonly onReady: (frames: FrameConnection) => FrameReceiver;
}

export interface FrameReceiver {
  receive(reader: JuteReader): void;
}

/** Why a connection has ended. `expired`: the server does not know the session. */
export type ConnectionEnd = 'expired' | Error;

/** A connection that is being opened, or is open. */
export interface OpenConnection {
  readonly ended: Promise<ConnectionEnd>;
  /** Whether the server may have heard of us. */
  readonly hasSent: boolean;
  /** Drops it; `ended` resolves. The session lives on. */
  drop(): void;
}

/** Connects to a server and shakes hands. Never throws. */
export function openConnection(options: OpenConnectionOptions): OpenConnection {
  try {
    return connect(options);
  } catch (error) {
    return {
      ended: Promise.resolve(error as Error),
      hasSent: false,
      drop: () => undefined,
    };
  }
}

/** @throws {TlsOptionsError} if keys or certificates cannot be read */
function connect(options: OpenConnectionOptions): OpenConnection {
  const ended = new Deferred<ConnectionEnd>();
  let hasSent = false;
  let receiver: FrameReceiver | undefined;
  let deadline: NodeJS.Timeout | undefined;
  let grantedMs = options.sessionTimeoutMs;
  const bound = (ms: number): void => {
    clearTimeout(deadline);
    deadline = setTimeout(() => {
      // After a stall the timer comes before the answer that lies ready.
      setImmediate(() => {
        if (!receiver) {
          frames.fail(new Error(`did not answer within ${Math.round(ms)} ms`));
        }
      });
    }, ms);
  };
  const stop = (end: ConnectionEnd): void => {
    clearTimeout(deadline);
    handshake.abandon();
    frames.destroy();
    ended.resolve(end);
  };
  const frames = new FrameConnection(options.endpoint, options.security.tls, {
    onOpen: () => {
      hasSent = true;
      handshake.begin();
    },
    onFrame: (reader) => (receiver ?? handshake).receive(reader),
    onEnd: stop,
  });
  const handshake = new Handshake(frames, {
    ...options,
    ...options.security,
    onGranted: (session) => {
      grantedMs = session.sessionTimeoutMs;
      // Leaves enough to try again while the session lives: nothing is sent
      // meanwhile that would keep it alive.
      bound(grantedMs / 3);
      options.onGranted(session);
    },
    // A login that asks elsewhere is no silence of the server (ZOOKEEPER-4275).
    onTurn: (whose) => bound(whose === 'login' ? grantedMs : grantedMs / 3),
    onDone: () => {
      clearTimeout(deadline);
      if (options.finish === 'closeSession') {
        options.onClosed();
        frames.fail(new Error('was closed'));
      } else {
        receiver = options.onReady(frames);
      }
    },
    onRefused: stop,
  });
  bound(options.connectTimeoutMs);
  return {
    ended: ended.promise,
    get hasSent() {
      return hasSent;
    },
    drop: () => frames.fail(new Error('was dropped')),
  };
}
