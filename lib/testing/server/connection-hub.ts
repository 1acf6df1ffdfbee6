import {
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { Subject } from 'rxjs';
import type {
  ConnectReply,
  ConnectRequest,
} from '../../zookeeper/codec/connect.record.js';
import { JuteReader } from '../../zookeeper/codec/jute-reader.js';
import type { Answer } from './answer.js';
import { ClientConnection, type ConnectionHost } from './client-connection.js';
import { fourLetterWord, type ServerFacts } from './four-letter-words.js';
import {
  clearInterval,
  monotonicMs,
  setInterval,
  wallMs,
} from './real-time.js';
import { RELEASES } from './release.js';
import { describeRequest } from './request-log.js';
import type { ResolvedServerOptions } from './server-options.js';
import { ServerState } from './server-state.js';
import type { TestingRequest } from './testing-server.types.js';

const HOST = '127.0.0.1';

/** Where the server says what it cannot do. */
export interface HubLogger {
  warn(text: string): void;
}

/** The listening socket with its connections, and the clock of the sessions. */
export class ConnectionHub implements ConnectionHost {
  readonly requests$ = new Subject<TestingRequest>();
  readonly longestFrameBytes: number;
  readonly eventsCarryZxid: boolean;
  delayMs = 0;
  isPaused = false;
  isRefusing = false;
  state: ServerState;
  readonly #options: ResolvedServerOptions;
  readonly #logger: HubLogger | undefined;
  readonly #server: Server;
  readonly #connections = new Set<ClientConnection>();
  #ticks: NodeJS.Timeout | undefined;
  #containersCheckedAtMs = monotonicMs();
  /** Packets of connections that have ended. */
  #received = 0;
  #sent = 0;

  constructor(options: ResolvedServerOptions, logger?: HubLogger) {
    this.#options = options;
    this.#logger = logger;
    this.longestFrameBytes = options.juteMaxBuffer;
    this.eventsCarryZxid = RELEASES[options.release].eventsCarryZxid;
    this.state = this.#newState();
    this.#server = createServer((socket) => this.#accept(socket));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** @throws (rejects) if the port is taken */
  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port, HOST, resolve);
    });
    this.#ticks = setInterval(
      () => this.#tick(),
      this.#options.tickTimeMs,
    ).unref();
  }

  /** Resolves when nothing is left. */
  async close(): Promise<void> {
    clearInterval(this.#ticks);
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.disconnectAll();
    await closed;
    this.requests$.complete();
  }

  /** Forgets all nodes and sessions. */
  wipe(): void {
    this.state = this.#newState();
  }

  connectionOf(session: string): ClientConnection | undefined {
    return [...this.#connections].find((each) => each.session === session);
  }

  disconnectAll(): void {
    for (const connection of this.#connections) {
      connection.destroy();
    }
  }

  endSession(session: string): void {
    this.state.endSession(session);
    this.flush();
    this.connectionOf(session)?.destroy();
  }

  pause(): void {
    this.isPaused = true;
    for (const connection of this.#connections) {
      connection.pause();
    }
  }

  /** No session has ended meanwhile, and all begin their timeouts again. */
  resume(): void {
    this.isPaused = false;
    this.state.sessions.touchAll(monotonicMs());
    for (const connection of this.#connections) {
      connection.resume();
    }
  }

  /** Sends what there is to send, to whom it concerns. */
  flush(): void {
    for (const connection of this.#connections) {
      connection.flush();
    }
  }

  /** @internal */
  admit(
    request: ConnectRequest,
    connection: ClientConnection,
  ): ConnectReply | undefined {
    const nowMs = monotonicMs();
    const { sessionId } = request;
    const before = this.connectionOf(sessionId);
    const admission = this.state.connect(request, nowMs);
    if (admission) {
      // As a real server, before it has seen whether the password is right.
      before?.destroy();
      connection.session = admission.session ?? '';
    }
    return admission?.reply;
  }

  /** @internal */
  answer(
    connection: ClientConnection,
    opcode: number,
    reader: JuteReader,
  ): Answer | undefined {
    const nowMs = monotonicMs();
    if (!this.requests$.observed) {
      return this.state.answer(connection, opcode, reader, nowMs);
    }
    const body = Buffer.from(reader.raw(reader.remaining));
    const copy = new JuteReader(body);
    const answer = this.state.answer(connection, opcode, copy, nowMs);
    const { session } = connection;
    this.requests$.next(
      describeRequest(opcode, body, session, answer?.code ?? 0),
    );
    return answer;
  }

  /** @internal */
  command(word: string): string | undefined {
    return fourLetterWord(word, () => this.#facts());
  }

  /** @internal */
  ended(connection: ClientConnection): void {
    if (!this.#connections.delete(connection)) {
      return;
    }
    this.state.watches.forget(connection);
    this.#received += connection.received;
    this.#sent += connection.sent;
  }

  #accept(socket: Socket): void {
    if (this.isRefusing) {
      socket.on('error', () => undefined);
      socket.resetAndDestroy();
      return;
    }
    const connection = new ClientConnection(socket, this);
    this.#connections.add(connection);
    if (this.isPaused) {
      connection.pause();
    }
  }

  #tick(): void {
    if (this.isPaused) {
      return;
    }
    const nowMs = monotonicMs();
    const ended = this.state.expire(nowMs);
    if (nowMs - this.#containersCheckedAtMs >= this.#options.containerCheckMs) {
      this.#containersCheckedAtMs = nowMs;
      this.state.deleteEmptyContainers();
    }
    this.flush();
    for (const session of ended) {
      this.connectionOf(session)?.destroy();
    }
  }

  #newState(): ServerState {
    const { release } = this.#options;
    return new ServerState({
      ...this.#options,
      traits: RELEASES[release],
      // As real ones: the time of the start, and then one by one.
      firstSession: (BigInt(wallMs()) << 16n) & ((1n << 56n) - 1n),
      secret: 'not a secret: this server is a fake',
      wallClock: wallMs,
      onQuota: () =>
        this.#logger?.warn(
          'A quota has been set: the TestingServer keeps it, and does not heed it. Use a real ZooKeeper for that.',
        ),
    });
  }

  #facts(): ServerFacts {
    const connections = [...this.#connections].filter(
      ({ session }) => session !== '',
    );
    return {
      state: this.state,
      version: `${this.#options.release}-testing-server`,
      connections,
      received: this.#received + sum(connections, ({ received }) => received),
      sent: this.#sent + sum(connections, ({ sent }) => sent),
    };
  }
}

function sum<T>(all: readonly T[], valueOf: (one: T) => number): number {
  return all.reduce((total, one) => total + valueOf(one), 0);
}
