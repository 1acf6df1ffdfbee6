import type { ServerEndpoint } from '../../zookeeper/connection/frame-connection.js';
import { Deferred } from '../../zookeeper/session/deferred.js';
import type { NodeStat } from '../../zookeeper/zookeeper-client.interface.js';
import type {
  NativeBinding,
  NativeBindingClass,
  NativeStat,
} from './native-zookeeper.js';
import type {
  ReplyTuple,
  RequestTuple,
  SessionCredentials,
  WatchTuple,
} from './protocol.js';

/** How an attempt to connect, or an established connection, ended. */
export type ConnectionEnd = 'disconnected' | 'expired';

export interface NativeConnectionOptions {
  /** Used by its address: a name would be resolved by blocking, per packet. */
  readonly server: ServerEndpoint;
  readonly sessionTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly session?: SessionCredentials | undefined;
  /** Takes answers and events, in the order in which the server sent them. */
  readonly onItem: (item: ReplyTuple | WatchTuple) => void;
}

// The states of the native client, by its documentation and by measurement.
const STATE_BETWEEN_ATTEMPTS = 0;
const STATE_CONNECTED = 3;

/** Code of its event `close`. */
const CLOSED_EXPIRED = -112;

const ATTEMPT_CHECK_MS = 5;
/** Often enough beside the session timeout, and no burden when nothing happens. */
const CHECKS_PER_SESSION_TIMEOUT = 20;
const LONGEST_CHECK_MS = 500;
const CONTACTS_PER_SESSION_TIMEOUT = 6;
/** Two session timeouts: such a server answers pings, and nothing else. */
const MOST_UNANSWERED_CONTACTS = 12;

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
  #awaitedReplies = 0;
  #unansweredContacts = 0;
  readonly #ended = new Deferred<ConnectionEnd>();
  #isOver = false;

  constructor(Native: NativeBindingClass, options: NativeConnectionOptions) {
    this.#options = options;
    this.#native = new Native();
  }

  /** Settles when the connection, or the attempt, is over; never rejects. */
  get ended(): Promise<ConnectionEnd> {
    return this.#ended.promise;
  }

  /** Resolves to true when the session is connected, to false when it is over. */
  async open(): Promise<boolean> {
    const { server, sessionTimeoutMs, connectTimeoutMs, session } =
      this.#options;
    const connected = new Promise<true>((resolve) => {
      this.#native.emit = (event, _native, detail) =>
        this.#onEvent(event, detail, resolve);
    });
    this.#native.init({
      // Without the brackets that IPv6 addresses have elsewhere.
      connect: `${server.address}:${server.port}`,
      timeout: sessionTimeoutMs,
      debug_level: 0,
      host_order_deterministic: true,
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
        this.#finish('disconnected');
      }
    });
    const isConnected = await Promise.race([
      connected,
      this.ended.then(() => false),
    ]);
    if (!isConnected || this.#isOver) {
      return false;
    }
    this.#stopTimers();
    this.#keepInTouch();
    return true;
  }

  get session(): SessionCredentials {
    return {
      id: this.#native.client_id,
      password: this.#native.client_password,
    };
  }

  /** The session timeout that the server granted. */
  get sessionTimeoutMs(): number {
    return this.#native.timeout;
  }

  get awaitedReplies(): number {
    return this.#awaitedReplies;
  }

  /** Sends a request. It stays unanswered if the connection ends. */
  send(request: RequestTuple): void {
    if (this.#isOver) {
      return;
    }
    const [xid] = request;
    this.#awaitedReplies += 1;
    const refusal = call(this.#native, request, (code, value, stat) =>
      this.#reply([xid, code, value, stat ? nodeStat(stat) : undefined]),
    );
    // Refused at once, while others wait for their answers: one to a question
    // that the server does get comes when it is this one's turn.
    const isSent =
      refusal === 0 ||
      this.#native.a_sync('/', () => this.#reply([xid, refusal])) === 0;
    if (!isSent || this.#native.state !== STATE_CONNECTED) {
      // At once: the native client has closed its socket and goes on waiting for
      // it, at which the event loop would abort the process.
      this.#finish('disconnected');
    }
  }

  /** Ends the session on the server if it is connected, and the connection. */
  close(): void {
    this.#finish('disconnected');
  }

  /**
   * Nothing may be done inside a native callback but take note of it: sockets
   * opened and clients created there go deaf or crash the process.
   */
  #onEvent(
    event: string,
    detail: unknown,
    connected: (is: true) => void,
  ): void {
    if (this.#isOver) {
      return;
    }
    switch (event) {
      case 'connect':
        setImmediate(connected, true);
        break;
      case 'connecting':
        setImmediate(() => this.#finish('disconnected'));
        break;
      case 'close':
        setImmediate(() =>
          this.#finish(detail === CLOSED_EXPIRED ? 'expired' : 'disconnected'),
        );
        break;
      case 'created':
      case 'deleted':
      case 'changed':
        this.#options.onItem([event, String(detail)]);
        break;
      case 'child':
        this.#options.onItem(['children', String(detail)]);
        break;
    }
  }

  #reply(reply: ReplyTuple): void {
    if (!this.#isOver) {
      this.#awaitedReplies -= 1;
      this.#options.onItem(reply);
    }
  }

  #keepInTouch(): void {
    const { sessionTimeoutMs } = this.#options;
    // Where it is a write that meets the broken connection, the native client
    // raises no event before it has reached another server.
    const checkMs = sessionTimeoutMs / CHECKS_PER_SESSION_TIMEOUT;
    this.#every(Math.min(checkMs, LONGEST_CHECK_MS), () => {
      if (this.#native.state !== STATE_CONNECTED) {
        this.#finish('disconnected');
      }
    });
    // By itself the native client lets a server wait for a third of the session
    // timeout, longer than a lease permits (docs/safety.md).
    this.#every(sessionTimeoutMs / CONTACTS_PER_SESSION_TIMEOUT, () => {
      this.#unansweredContacts += 1;
      if (this.#unansweredContacts > MOST_UNANSWERED_CONTACTS) {
        this.#finish('disconnected');
      } else if (this.#native.state === STATE_CONNECTED) {
        this.#native.a_get('/', false, () => {
          this.#unansweredContacts = 0;
        });
      }
    });
  }

  #every(intervalMs: number, act: () => void): void {
    this.#timers.push(setInterval(act, intervalMs));
  }

  #stopTimers(): void {
    this.#timers.splice(0).forEach(clearInterval);
  }

  #finish(end: ConnectionEnd): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#stopTimers();
      this.#native.close();
      this.#ended.resolve(end);
    }
  }
}

/** Makes a request; returns what the native client says at once. */
function call(
  native: NativeBinding,
  [, operation, path, data, argument]: RequestTuple,
  done: (
    code: number,
    value?: string | string[],
    stat?: NativeStat | null,
  ) => void,
): number {
  const isWatched = argument === 1;
  switch (operation) {
    case 'create':
      return native.a_create(path, data, argument, (code, _, created) =>
        done(code, created ?? ''),
      );
    case 'get':
      return native.a_get(path, isWatched, (code, _, stat, content) =>
        done(code, content?.toString('utf8') ?? '', stat),
      );
    case 'getChildren':
      return native.a_get_children2(path, isWatched, (code, _, names, stat) =>
        done(code, names ?? [], stat),
      );
    case 'set':
      return native.a_set(path, data, argument, (code, _, stat) =>
        done(code, '', stat),
      );
    case 'delete':
      return native.a_delete_(path, argument, (code) => done(code));
    default:
      return native.a_sync(path, (code) => done(code));
  }
}

function nodeStat(stat: NativeStat): NodeStat {
  const { czxid, mzxid, pzxid, version, numChildren, ephemeralOwner } = stat;
  return {
    czxid,
    mzxid,
    pzxid,
    version,
    numChildren,
    ephemeralOwner,
    createdAtMs: stat.ctime.getTime(),
    modifiedAtMs: stat.mtime.getTime(),
  };
}
