import type { FrameConnection } from '../connection/frame-connection.js';
import {
  Handshake,
  type ConnectionEnd,
  type HandshakeOptions,
} from '../handshake/handshake.js';
import { Deferred } from '../../deferred.js';

export interface OpenConnectionOptions extends Omit<
  HandshakeOptions,
  'onDone' | 'onEnd'
> {
  /** Until the server has granted the session. */
  readonly connectTimeoutMs: number;
  /** The session has been ended, as `finish` asked for. */
  readonly onClosed: () => void;
  /** The handshake is done: give the frames another receiver. */
  readonly onReady: (frames: FrameConnection) => void;
}

/** A connection that is being opened, or is open. */
export interface OpenConnection {
  readonly ended: Promise<ConnectionEnd>;
  /** Whether the server may have heard of us. */
  readonly hasSent: boolean;
  /** Drops it; `ended` resolves. The session lives on. */
  drop(): void;
}

/** Connects to a server and shakes hands, in bounded time. Never throws. */
export function openConnection(options: OpenConnectionOptions): OpenConnection {
  const ended = new Deferred<ConnectionEnd>();
  let isDone = false;
  let deadline: NodeJS.Timeout | undefined;
  let grantedMs = options.sessionTimeoutMs;
  const bound = (ms: number): void => {
    clearTimeout(deadline);
    deadline = setTimeout(() => {
      // After a stall the timer comes before the answer that lies ready.
      setImmediate(() => {
        if (!isDone) {
          const why = `did not answer within ${Math.round(ms)} ms`;
          handshake.end(new Error(why));
        }
      });
    }, ms);
  };
  const handshake = new Handshake({
    ...options,
    onGranted: (session) => {
      grantedMs = session.sessionTimeoutMs;
      // Leaves enough to try again while the session lives: nothing is sent
      // meanwhile that would keep it alive.
      bound(grantedMs / 3);
      options.onGranted?.(session);
    },
    // A login that asks elsewhere is no silence of the server (ZOOKEEPER-4275).
    onTurn: (whose) => bound(whose === 'login' ? grantedMs : grantedMs / 3),
    onDone: (frames) => {
      isDone = true;
      clearTimeout(deadline);
      if (options.finish === 'closeSession') {
        options.onClosed();
        handshake.end(new Error('was closed'));
      } else {
        options.onReady(frames);
      }
    },
    onEnd: (why) => {
      clearTimeout(deadline);
      ended.resolve(why);
    },
  });
  bound(options.connectTimeoutMs);
  return {
    ended: ended.promise,
    get hasSent() {
      return handshake.hasBegun;
    },
    drop: () => handshake.end(new Error('was dropped')),
  };
}
