import { TestingServer } from '../../lib/testing/index.js';
import type {
  ServerProcess,
  ZookeeperServerOptions,
} from './zookeeper-server.js';

/** A testing server in the place of a real one's process. */
export class TestingProcess implements ServerProcess {
  readonly pid = undefined;
  readonly output = '';
  running = true;
  readonly #server: TestingServer;

  /** With the ticks, and so the session timeouts, of the tests' real servers. */
  static async start({
    port,
    tickTimeMs = 200,
    minSessionTimeoutMs,
    maxSessionTimeoutMs,
  }: ZookeeperServerOptions): Promise<TestingProcess> {
    return new TestingProcess(
      await TestingServer.start({
        tickTimeMs,
        log: false,
        ...(port !== undefined && { port }),
        ...(minSessionTimeoutMs !== undefined && { minSessionTimeoutMs }),
        ...(maxSessionTimeoutMs !== undefined && { maxSessionTimeoutMs }),
      }),
    );
  }

  private constructor(server: TestingServer) {
    this.#server = server;
  }

  get port(): number {
    return this.#server.port;
  }

  get connectionString(): string {
    return this.#server.connectionString;
  }

  async start(): Promise<void> {
    this.running = true;
    await this.#server.restart();
    this.#server.accept();
  }

  async stop(): Promise<void> {
    this.running = false;
    this.#server.refuse();
  }

  async wipe(): Promise<void> {
    await this.#server.restart({ keepData: false });
  }

  pause(): void {
    void this.#server.pause();
  }

  resume(): void {
    this.#server.resume();
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}
