import { Deferred } from '../../deferred.js';
import type { ServerEndpoint } from '../../zookeeper/connection/frame-connection.js';
import type {
  NodeEvent,
  NodeStat,
} from '../../zookeeper/zookeeper-client.interface.js';
import {
  NATIVE_CALLS,
  type NativeBinding,
  type NativeBindingClass,
} from './native-zookeeper.js';
import type {
  FromKeeper,
  KeptSession,
  ReplyTuple,
  RequestTuple,
} from './protocol.js';

/** How an attempt to connect, or an established connection, ended. */
export type ConnectionEnd = 'disconnected' | 'expired';

export interface NativeConnectionOptions {
  /** Used by its address: a name would be resolved by blocking, per packet. */
  readonly server: ServerEndpoint;
  readonly sessionTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly session: KeptSession | undefined;
  /** Called at most once. */
  readonly onConnected: (session: KeptSession) => void;
  /** Takes `replies` and `fired`, in the order in which the server sent them. */
  readonly send: (message: FromKeeper) => void;
}

// The states of the native client, by its documentation and by measurement.
const STATE_BETWEEN_ATTEMPTS = 0;
const STATE_CONNECTED = 3;

/** Code of its event `close`. */
const CLOSED_EXPIRED = -112;

/** Its names of what happens to watched nodes. */
const NODE_EVENTS: Readonly<Record<string, NodeEvent>> = {
  created: 'created',
  deleted: 'deleted',
  changed: 'changed',
  child: 'children',
};

const ATTEMPT_CHECK_MS = 5;
/** Often enough beside the session timeout, and no burden when nothing happens. */
const CHECKS_PER_SESSION_TIMEOUT = 20;
const LONGEST_CHECK_MS = 500;
const CONTACTS_PER_SESSION_TIMEOUT = 6;
/** Two session timeouts: such a server answers pings, and nothing else. */
const MOST_UNANSWERED_CONTACTS = 12;
const LONGEST_GATHERING_MS = 1;

/**
 * One native client object for one connection to one server. The object is
 * never reused: after a disconnect the native client would wait a third of the
 * session timeout before it tries again, and after a close it hangs or aborts.
 * A session outlives its connections because the next object takes it over by
 * id and password.
 */
export class NativeConnection {
  readonly #native: NativeBinding;
  readonly #options: NativeConnectionOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #ended = new Deferred<ConnectionEnd>();
  /** Settles when the connection, or the attempt, is over; never rejects. */
  readonly ended = this.#ended.promise;
  #isOver = false;
  #awaitedReplies = 0;
  #unansweredContacts = 0;
  #replies: ReplyTuple[] = [];
  #gathering: NodeJS.Timeout | undefined;

  constructor(Native: NativeBindingClass, options: NativeConnectionOptions) {
    this.#options = options;
    this.#native = new Native();
    const { server, sessionTimeoutMs, connectTimeoutMs, session } = options;
    this.#native.emit = (event, _native, detail) =>
      this.#onEvent(event, detail);
    this.#native.init({
      // Without the brackets that IPv6 addresses have elsewhere.
      connect: `${server.address}:${server.port}`,
      timeout: sessionTimeoutMs,
      debug_level: 0,
      // The client takes ten partial reads in a row for an expired session.
      response_counter_limit: 1_000_000,
      ...(session && {
        client_id: session.id,
        client_password: session.password,
      }),
    });
    // A refused connection raises no event: only the state tells.
    const deadline = performance.now() + connectTimeoutMs;
    this.#every(ATTEMPT_CHECK_MS, () => {
      const { state } = this.#native;
      const isLate = state !== STATE_CONNECTED && performance.now() > deadline;
      if (state === STATE_BETWEEN_ATTEMPTS || isLate) {
        this.close();
      }
    });
  }

  /** Sends a request. It stays unanswered if the connection ends. */
  send([xid, operation, path, ...args]: RequestTuple): void {
    if (this.#isOver) {
      return;
    }
    this.#awaitedReplies += 1;
    const refusal = this.#native[NATIVE_CALLS[operation]](
      path,
      ...args,
      (code: number, _message: string, ...values: unknown[]) =>
        this.#reply([xid, code, ...values.map(portable)]),
    );
    // Refused at once, while others wait for their answers: one to a question
    // that the server does get comes when it is this one's turn.
    const isSent =
      refusal === 0 ||
      this.#native.a_sync('/', () => this.#reply([xid, refusal])) === 0;
    if (isSent) {
      this.#checkState();
    } else {
      this.close();
    }
  }

  /** Ends the session on the server if it is connected, and the connection. */
  close(end: ConnectionEnd = 'disconnected'): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#stopTimers();
      this.#flush();
      this.#native.close();
      this.#ended.resolve(end);
    }
  }

  /**
   * Nothing may be done inside a native callback but take note of it: sockets
   * opened and clients created there go deaf or crash the process.
   */
  #onEvent(event: string, detail: unknown): void {
    const nodeEvent = NODE_EVENTS[event];
    if (!nodeEvent) {
      setImmediate(() => this.#onStateEvent(event, detail));
    } else if (!this.#isOver) {
      this.#flush();
      const path = String(detail);
      this.#options.send({ type: 'fired', event: nodeEvent, path });
    }
  }

  #onStateEvent(event: string, detail: unknown): void {
    if (event === 'connecting') {
      this.close();
    } else if (event === 'close') {
      this.close(detail === CLOSED_EXPIRED ? 'expired' : 'disconnected');
    } else if (event === 'connect' && !this.#isOver) {
      this.#stopTimers();
      this.#keepInTouch();
      const {
        client_id: id,
        client_password: password,
        timeout,
      } = this.#native;
      this.#options.onConnected({ id, password, timeoutMs: timeout });
    }
  }

  /**
   * The answers of a burst travel together: a message for each of them would cost
   * the application more than all that it asks for.
   */
  #reply(reply: ReplyTuple): void {
    if (this.#isOver) {
      return;
    }
    this.#awaitedReplies -= 1;
    this.#replies.push(reply);
    if (this.#awaitedReplies === 0) {
      this.#flush();
    } else {
      this.#gathering ??= setTimeout(() => this.#flush(), LONGEST_GATHERING_MS);
    }
  }

  #flush(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    const replies = this.#replies;
    this.#replies = [];
    if (replies.length > 0) {
      this.#options.send({ type: 'replies', replies });
    }
  }

  #keepInTouch(): void {
    const { sessionTimeoutMs } = this.#options;
    const checkMs = sessionTimeoutMs / CHECKS_PER_SESSION_TIMEOUT;
    this.#every(Math.min(checkMs, LONGEST_CHECK_MS), () => this.#checkState());
    // By itself the native client lets a server wait for a third of the session
    // timeout, longer than a lease permits (docs/safety.md).
    this.#every(sessionTimeoutMs / CONTACTS_PER_SESSION_TIMEOUT, () => {
      this.#unansweredContacts += 1;
      if (this.#unansweredContacts > MOST_UNANSWERED_CONTACTS) {
        this.close();
        return;
      }
      this.#native.a_get('/', false, () => {
        this.#unansweredContacts = 0;
      });
      this.#checkState();
    });
  }

  /**
   * Where it is a write that meets the broken connection, the native client raises
   * no event before it has reached another server. After a write it is asked at
   * once: it has closed its socket and goes on waiting for it, at which the event
   * loop would abort the process.
   */
  #checkState(): void {
    if (this.#native.state !== STATE_CONNECTED) {
      this.close();
    }
  }

  #every(intervalMs: number, act: () => void): void {
    this.#timers.push(setInterval(act, intervalMs));
  }

  #stopTimers(): void {
    this.#timers.splice(0).forEach(clearInterval);
  }
}

/** What the native client calls back with, as the channel can carry it. */
function portable(value: unknown): unknown {
  if (Buffer.isBuffer(value)) {
    return value.toString('utf8');
  }
  if (!(value instanceof Object) || !('czxid' in value)) {
    return value;
  }
  const { czxid, mzxid, pzxid, version, numChildren, ephemeralOwner, ...more } =
    value as NodeStat & Record<'ctime' | 'mtime', Date>;
  return {
    czxid,
    mzxid,
    pzxid,
    version,
    numChildren,
    ephemeralOwner,
    createdAtMs: more.ctime.getTime(),
    modifiedAtMs: more.mtime.getTime(),
  } satisfies NodeStat;
}
