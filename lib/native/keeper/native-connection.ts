import type { ServerEndpoint } from '../../zookeeper/connection/frame-connection.js';
import { describeRequestProblem } from './message-check.js';
import type {
  NativeBinding,
  NativeBindingClass,
  NativeStat,
} from './native-zookeeper.js';
import type {
  ReplyTuple,
  RequestTuple,
  SessionCredentials,
  StatTuple,
  WatchTuple,
} from './protocol.js';

/**
 * Takes what goes to the application. What the server has sent comes alone: the
 * native client hands over one answer or event in a turn of the event loop.
 */
export type ReportItem = (
  item: ReplyTuple | WatchTuple,
  isFromServer: boolean,
) => void;

/** How an attempt to connect, or an established connection, ended. */
export type ConnectionEnd = 'disconnected' | 'expired';

export interface NativeConnectionOptions {
  /** Used by its address: a name would be resolved by blocking, per packet. */
  readonly server: ServerEndpoint;
  readonly sessionTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly session?: SessionCredentials;
  readonly onItem: ReportItem;
}

// The states of the native client, by its documentation and by measurement.
const STATE_BETWEEN_ATTEMPTS = 0;
const STATE_CONNECTED = 3;

// Codes of its `close` event.
const CLOSED_EXPIRED = -112;

// Codes that replies carry to the application, of ZooKeeper's own numbering.
const CODE_CONNECTION_LOSS = -4;
const CODE_BAD_ARGUMENTS = -8;

const POLL_INTERVAL_MS = 5;
/** Often enough beside the session timeout, and no burden when nothing happens. */
const CHECKS_PER_SESSION_TIMEOUT = 20;
const LONGEST_CHECK_INTERVAL_MS = 500;
const CONTACTS_PER_SESSION_TIMEOUT = 6;

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
  /** Requests without an answer, with the time when they were sent. */
  readonly #pending = new Map<number, number>();
  #end: (end: ConnectionEnd) => void = () => undefined;
  #isOver = false;

  /** Settles when the connection, or the attempt, is over; never rejects. */
  readonly ended: Promise<ConnectionEnd>;

  constructor(Native: NativeBindingClass, options: NativeConnectionOptions) {
    this.#options = options;
    this.#native = new Native();
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Resolves to true when the session is connected, to false when it is over. */
  async open(): Promise<boolean> {
    const { server, sessionTimeoutMs, session } = this.#options;
    const connected = new Promise<true>((resolve) => {
      this.#native.emit = (event, _native, detail) => {
        if (this.#isOver) {
          return;
        }
        // Nothing may be done inside a native callback but take note of it:
        // sockets opened and clients created there go deaf or crash the process.
        switch (event) {
          case 'connect':
            setImmediate(resolve, true);
            break;
          case 'connecting':
            setImmediate(() => this.#finish('disconnected'));
            break;
          case 'close':
            setImmediate(() => this.#finish(endOfCode(detail)));
            break;
          case 'created':
          case 'deleted':
          case 'changed':
            this.#options.onItem([event, String(detail)], true);
            break;
          case 'child':
            this.#options.onItem(['children', String(detail)], true);
            break;
        }
      };
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
    const attempt = this.#watchAttempt();
    const isConnected = await Promise.race([
      connected,
      this.ended.then(() => false),
    ]);
    clearInterval(attempt);
    if (isConnected) {
      this.#watchConnection();
    }
    return isConnected && !this.#isOver;
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

  /** Number of requests that have not been answered. */
  get awaitedReplies(): number {
    return this.#pending.size;
  }

  /** Sends a request; its reply goes to `onItem`, whatever happens. */
  send([id, operation, path, data, argument]: RequestTuple): void {
    if (this.#isOver) {
      this.#options.onItem([id, CODE_CONNECTION_LOSS], false);
      return;
    }
    this.#pending.set(id, performance.now());
    const isMalformed = describeRequestProblem(operation, path, data, argument);
    const code = isMalformed
      ? CODE_BAD_ARGUMENTS
      : this.#call(id, operation, path, data, argument);
    if (code !== 0) {
      this.#refuse(id, code);
    }
    if (this.#native.state !== STATE_CONNECTED) {
      // At once: the native client has closed its socket and goes on waiting for
      // it, at which the event loop would abort the process.
      this.#finish('disconnected');
    }
  }

  /**
   * Gives up waiting for requests sent more than `ageMs` ago. A server that is
   * cut off from its quorum answers pings but not writes.
   */
  expireRequests(ageMs: number, code: number): void {
    const sentBefore = performance.now() - ageMs;
    for (const [id, sentAt] of this.#pending) {
      if (sentAt < sentBefore) {
        this.#refuse(id, code);
      }
    }
  }

  /** Ends the session on the server if it is connected, and the connection. */
  close(): void {
    this.#finish('disconnected');
  }

  #call(
    id: number,
    operation: RequestTuple[1],
    path: string,
    data: string,
    argument: number,
  ): number {
    const native = this.#native;
    switch (operation) {
      case 'create':
        return native.a_create(path, data, argument, (code, _, created) =>
          this.#reply(id, code, created),
        );
      case 'get':
        return native.a_get(path, argument === 1, (code, _, stat, content) =>
          this.#reply(id, code, content?.toString('utf8') ?? '', stat),
        );
      case 'children':
        return native.a_get_children2(
          path,
          argument === 1,
          (code, _, children, stat) =>
            this.#reply(id, code, children ?? [], stat),
        );
      case 'set':
        return native.a_set(path, data, argument, (code, _, stat) =>
          this.#reply(id, code, '', stat),
        );
      case 'delete':
        return native.a_delete_(path, argument, (code) =>
          this.#reply(id, code),
        );
      case 'sync':
        return native.a_sync(path, (code) => this.#reply(id, code));
      default:
        return CODE_BAD_ARGUMENTS;
    }
  }

  /** Answers a request once, as the server did; what comes after is dropped. */
  #reply(
    id: number,
    code: number,
    value: string | string[] = '',
    stat?: NativeStat | null,
  ): void {
    if (!this.#pending.delete(id)) {
      return;
    }
    const { onItem } = this.#options;
    if (code !== 0) {
      onItem([id, code], true);
    } else if (stat) {
      onItem([id, 0, value, statTuple(stat)], true);
    } else {
      onItem([id, 0, value], true);
    }
  }

  /** Answers a request that the server does not. */
  #refuse(id: number, code: number): void {
    if (this.#pending.delete(id)) {
      this.#options.onItem([id, code], false);
    }
  }

  /** A refused connection raises no event: only the state tells. */
  #watchAttempt(): NodeJS.Timeout {
    const deadline = performance.now() + this.#options.connectTimeoutMs;
    return setInterval(() => {
      const { state } = this.#native;
      const isLate = state !== STATE_CONNECTED && performance.now() > deadline;
      if (state === STATE_BETWEEN_ATTEMPTS || isLate) {
        this.#finish('disconnected');
      }
    }, POLL_INTERVAL_MS);
  }

  /**
   * Where it is a write that meets the broken connection, the native client
   * knows of it but raises no event before it has reached another server.
   */
  #watchConnection(): void {
    const intervalMs = Math.min(
      this.#options.sessionTimeoutMs / CHECKS_PER_SESSION_TIMEOUT,
      LONGEST_CHECK_INTERVAL_MS,
    );
    const watch = setInterval(() => {
      if (this.#native.state !== STATE_CONNECTED) {
        this.#finish('disconnected');
      }
    }, intervalMs);
    // By itself the native client lets a server wait for a third of the session
    // timeout, longer than a lease permits (docs/safety.md).
    const contact = setInterval(() => {
      if (this.#native.state === STATE_CONNECTED) {
        this.#native.a_get('/', false, () => undefined);
      }
    }, this.#options.sessionTimeoutMs / CONTACTS_PER_SESSION_TIMEOUT);
    void this.ended.then(() => {
      clearInterval(watch);
      clearInterval(contact);
    });
  }

  #finish(end: ConnectionEnd): void {
    if (this.#isOver) {
      return;
    }
    this.#isOver = true;
    this.#native.close();
    for (const id of this.#pending.keys()) {
      this.#refuse(id, CODE_CONNECTION_LOSS);
    }
    this.#end(end);
  }
}

function endOfCode(code: unknown): ConnectionEnd {
  return code === CLOSED_EXPIRED ? 'expired' : 'disconnected';
}

function statTuple(stat: NativeStat): StatTuple {
  return [
    stat.czxid,
    stat.mzxid,
    stat.pzxid,
    stat.version,
    stat.numChildren,
    stat.ephemeralOwner,
    stat.ctime.getTime(),
    stat.mtime.getTime(),
  ];
}
