import { waitFor } from '../support/wait-for.js';
import { WireClient } from '../support/wire-client.js';
import type { History, Step } from './history.js';
import { RawConnection } from './raw-connection.js';
import { comparable, SessionNames } from './transcript.js';

export const LONG_TIMEOUT_MS = 3_600_000;
/** Where sessions that are to time out have a node: no history closes it. */
const MARKERS = '/markers';
/** Below what a server grants. */
const SHORTEST_TIMEOUT_MS = 1;

/** A server that histories are run on, one after the other. */
export class HistoryRunner {
  readonly #port: number;
  readonly #observer: WireClient;
  #histories = 0;

  static async start(port: number): Promise<HistoryRunner> {
    const observer = await WireClient.connect({
      port,
      timeoutMs: LONG_TIMEOUT_MS,
    });
    await observer.create(MARKERS);
    return new HistoryRunner(port, observer);
  }

  private constructor(port: number, observer: WireClient) {
    this.#port = port;
    this.#observer = observer;
  }

  /** Runs a history in a node of its own; returns what each connection saw. */
  async run(history: History): Promise<unknown[][]> {
    this.#histories += 1;
    const run = new Run(
      this.#port,
      `/history-${this.#histories}`,
      this.#observer,
    );
    try {
      return await run.play(history);
    } finally {
      run.destroy();
    }
  }

  async close(): Promise<void> {
    await this.#observer.close();
  }
}

class Run {
  readonly #port: number;
  readonly #root: string;
  readonly #observer: WireClient;
  /** The present connections of the sessions. */
  readonly #sessions = new Map<number, RawConnection>();
  readonly #all: RawConnection[] = [];
  #markers = 0;

  constructor(port: number, root: string, observer: WireClient) {
    this.#port = port;
    this.#root = root;
    this.#observer = observer;
  }

  async play(history: History): Promise<unknown[][]> {
    await this.#observer.create(this.#root);
    const root = await this.#observer.exists(this.#root);
    for (const step of history) {
      await this.#play(step);
    }
    // None is left that would time out in a later history.
    for (const session of this.#sessions.keys()) {
      await this.#barrier(await this.#connectionOf(session));
    }
    for (const connection of this.#sessions.values()) {
      await connection.close();
    }
    const sessions = new SessionNames();
    return this.#all.map(({ received }) =>
      comparable(received, root?.czxid ?? 0, sessions),
    );
  }

  destroy(): void {
    for (const connection of this.#all) {
      connection.destroy();
    }
  }

  async #play(step: Step): Promise<void> {
    const connection = await this.#connectionOf(step.session);
    switch (step.type) {
      case 'requests':
        await connection.request(step.ops, (path) => this.#root + path);
        if (connection.isBeingEnded) {
          // A real server may answer what comes meanwhile, or ignore it.
          await connection.ended();
        }
        break;
      case 'reconnect':
        await this.#barrier(connection);
        await connection.drop();
        break;
      case 'move':
        await this.#barrier(connection);
        await this.#attach(step.session, connection, LONG_TIMEOUT_MS);
        await connection.ended();
        break;
      case 'stranger':
        await this.#barrier(connection);
        await this.#intrude(connection);
        await connection.ended();
        break;
      case 'close':
        await connection.close();
        this.#sessions.delete(step.session);
        break;
      case 'expire':
        await this.#expire(step.session, connection);
    }
  }

  /** With a session that begins, or goes on in a new connection, if need be. */
  async #connectionOf(session: number): Promise<RawConnection> {
    const present = this.#sessions.get(session);
    if (!present) {
      const connection = await RawConnection.open(this.#port, LONG_TIMEOUT_MS);
      this.#all.push(connection);
      this.#sessions.set(session, connection);
      return connection;
    }
    return present.isClosed
      ? this.#attach(session, present, LONG_TIMEOUT_MS)
      : present;
  }

  async #attach(
    session: number,
    former: RawConnection,
    timeoutMs: number,
  ): Promise<RawConnection> {
    const connection = await RawConnection.open(
      this.#port,
      timeoutMs,
      former.attachment,
      former.zxid,
    );
    connection.zxid = former.zxid;
    this.#all.push(connection);
    this.#sessions.set(session, connection);
    return connection;
  }

  /** Somebody tries to take the session over with a wrong password. */
  async #intrude({ attachment }: RawConnection): Promise<void> {
    const { sessionId } = attachment;
    const intruder = await RawConnection.open(this.#port, LONG_TIMEOUT_MS, {
      sessionId,
      password: Buffer.alloc(16, 1),
    });
    this.#all.push(intruder);
    await intruder.ended();
  }

  /** Lets the session time out. */
  async #expire(session: number, connection: RawConnection): Promise<void> {
    this.#markers += 1;
    const marker = `${MARKERS}/${this.#root.slice(1)}-${this.#markers}`;
    await connection.request(
      [
        {
          type: 'create',
          path: marker,
          data: null,
          acl: [{ permissions: 31, scheme: 'world', id: 'anyone' }],
          flags: 1,
        },
      ],
      (path) => path,
    );
    await this.#barrier(connection);
    await connection.drop();
    const last = await this.#attach(session, connection, SHORTEST_TIMEOUT_MS);
    await last.drop();
    this.#sessions.delete(session);
    await waitFor(
      async () => !(await this.#observer.exists(marker)) || undefined,
      { description: 'the session to time out', timeoutMs: 10_000 },
    );
    // What came of it has been sent before the answer to this.
    for (const other of this.#sessions.values()) {
      await this.#barrier(other);
    }
  }

  /** Everything that has been sent to the connection so far has arrived. */
  async #barrier(connection: RawConnection): Promise<void> {
    await connection.request([{ type: 'ping' }], (path) => path);
  }
}
