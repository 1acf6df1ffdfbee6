import { Logger } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { ConnectionHub } from './connection-hub.js';
import { clearTimeout, monotonicMs, setTimeout } from './real-time.js';
import { resolveServerOptions } from './server-options.js';
import { nodesBelow, sessionsOf } from './server-view.js';
import type {
  TestingNode,
  TestingRequest,
  TestingServerOptions,
} from './testing-server.types.js';

/**
 * A fake ZooKeeper for tests and demos: one server, in this process, in memory,
 * which speaks ZooKeeper's protocol to any client. It needs no Java, starts within
 * milliseconds, and a test can make it fail in the ways in which real ones do.
 *
 * It is not a ZooKeeper: it has no files, no quorum, no quotas and no
 * reconfiguration, and it refuses to start with `NODE_ENV=production`.
 *
 * @example
 * ```ts
 * const server = await TestingServer.start();
 * const app = await startApplication(
 *   ZookeeperLeaderModule.forRoot({
 *     connectionString: server.connectionString,
 *     instanceId: 'a',
 *     sessionTimeoutMs: 1_000,
 *   }),
 * );
 * await server.expireSession('a'); // and see who leads next
 * await app.close();
 * await server.close();
 * ```
 *
 * @publicApi
 */
export class TestingServer {
  readonly #hub: ConnectionHub;
  #whenResumed: Promise<void> = Promise.resolve();
  #resume: () => void = () => undefined;
  #resumption: NodeJS.Timeout | undefined;

  /**
   * Starts a server on 127.0.0.1.
   *
   * @throws {TypeError} (rejects) for an option that does not exist, or an
   * invalid value
   * @throws {Error} (rejects) if the port is taken, or `NODE_ENV` is `production`
   */
  static async start(
    options: TestingServerOptions = {},
  ): Promise<TestingServer> {
    if (process.env.NODE_ENV === 'production') {
      throw new Error(
        'TestingServer is a fake ZooKeeper for tests and demos: it does not start with ' +
          'NODE_ENV=production. Use a real ZooKeeper there.',
      );
    }
    const resolved = resolveServerOptions(options);
    const logger = resolved.log ? new Logger('TestingServer') : undefined;
    const hub = new ConnectionHub(resolved, logger);
    await hub.listen();
    logger?.log(
      `A fake ZooKeeper for tests and demos serves on 127.0.0.1:${hub.port}, in memory. ` +
        'Not for production.',
    );
    return new TestingServer(hub);
  }

  private constructor(hub: ConnectionHub) {
    this.#hub = hub;
  }

  /** The port on 127.0.0.1. */
  get port(): number {
    return this.#hub.port;
  }

  /** `127.0.0.1:<port>`, as the module's option `connectionString` takes it. */
  get connectionString(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Every request that is answered, from now on. Completes at {@link close}. */
  get requests$(): Observable<TestingRequest> {
    return this.#hub.requests$;
  }

  /**
   * The nodes at and below a path, sorted by path; those of ZooKeeper itself are
   * left out.
   */
  tree(path = '/'): TestingNode[] {
    return nodesBelow(this.#hub.state.tree, path);
  }

  /**
   * Ends a session at once, with its ephemeral nodes and its connection, as at
   * its timeout. The client finds out when it connects again.
   *
   * A real session ends after a silence, when the leader has long given up. This
   * one ends while the leader still counts on it: it learns of it within
   * milliseconds, and for these there may be two.
   *
   * @param who an instance id of this library, or a session id in hexadecimal
   * @throws {Error} (rejects) if there is no such session
   */
  async expireSession(who: string): Promise<void> {
    for (const session of sessionsOf(this.#hub.state, who)) {
      this.#hub.endSession(session);
    }
  }

  /**
   * Cuts connections. Their sessions live on until they time out, and clients
   * come back at once.
   *
   * @param who an instance id of this library, or a session id in hexadecimal;
   * without it, all
   * @throws {Error} if there is no such session
   */
  disconnect(who?: string): void {
    if (who === undefined) {
      this.#hub.disconnectAll();
      return;
    }
    for (const session of sessionsOf(this.#hub.state, who)) {
      this.#hub.connectionOf(session)?.destroy();
    }
  }

  /**
   * Stops answering, with all connections left open, as a server whose process is
   * frozen. No session expires meanwhile.
   *
   * @param ms for how long; without it, until {@link resume}
   * @returns resolves when the server answers again
   */
  pause(ms?: number): Promise<void> {
    if (!this.#hub.isPaused) {
      this.#hub.pause();
      this.#whenResumed = new Promise((resolve) => {
        this.#resume = () => {
          this.#hub.resume();
          resolve();
        };
      });
    }
    if (ms !== undefined) {
      clearTimeout(this.#resumption);
      this.#resumption = setTimeout(() => this.resume(), ms);
    }
    return this.#whenResumed;
  }

  /** Ends a {@link pause}. */
  resume(): void {
    clearTimeout(this.#resumption);
    if (this.#hub.isPaused) {
      this.#resume();
    }
  }

  /**
   * Holds every answer and event back from now on.
   *
   * @param ms for how long; 0: no longer
   */
  delay(ms: number): void {
    this.#hub.delayMs = ms;
  }

  /**
   * Cuts all connections, and every new one at once, until {@link accept} is
   * called: for clients the server is gone.
   */
  refuse(): void {
    this.#hub.isRefusing = true;
    this.#hub.disconnectAll();
  }

  /** Ends {@link refuse}. */
  accept(): void {
    this.#hub.isRefusing = false;
  }

  /**
   * Cuts all connections, as a server that is restarted.
   *
   * @param options `keepData`: false: nodes and sessions are gone, too. Default
   * true: both live on, and sessions have their whole timeout again to come back.
   */
  async restart(options: { keepData?: boolean } = {}): Promise<void> {
    this.#hub.disconnectAll();
    if (options.keepData === false) {
      this.#hub.wipe();
    }
    this.resume();
    this.#hub.state.sessions.touchAll(monotonicMs());
  }

  /** Ends the server. Nothing of it is left when this resolves. */
  async close(): Promise<void> {
    this.resume();
    await this.#hub.close();
  }
}
