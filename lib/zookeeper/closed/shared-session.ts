import { ZookeeperError } from '../zookeeper.error.js';
import { WireSession } from './wire-session.js';

/** How long the session waits for further use. */
const IDLE_MS = 500;
const ANSWER_TIMEOUT_MS = 5_000;

/** One short session for all who need one at about the same time. */
export class SharedSession {
  readonly #server: () => { host: string; port: number } | undefined;
  readonly #digest: string;
  #opened: Promise<WireSession> | undefined;
  #users = 0;
  #idle: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(
    server: () => { host: string; port: number } | undefined,
    digest: string,
  ) {
    this.#server = server;
    this.#digest = digest;
  }

  /** Lends the session for the time of `act`. */
  async use<T>(act: (session: WireSession) => Promise<T>): Promise<T> {
    clearTimeout(this.#idle);
    this.#users += 1;
    try {
      return await act(await this.#open());
    } finally {
      this.#users -= 1;
      if (this.#users === 0) {
        this.#idle = setTimeout(() => this.#end(), IDLE_MS).unref();
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#idle);
    this.#end();
  }

  async #open(): Promise<WireSession> {
    const opened = this.#opened;
    const known = await opened?.catch(() => undefined);
    if (known?.isOpen) {
      return known;
    }
    // Somebody else who waited, too, may have opened another one by now.
    if (this.#opened === opened) {
      this.#opened = undefined;
    }
    this.#opened ??= this.#connect();
    return this.#opened;
  }

  #connect(): Promise<WireSession> {
    const server = this.#server();
    if (!server || this.#isClosed) {
      throw new ZookeeperError(
        this.#isClosed ? 'CLOSED' : 'CONNECTION_LOSS',
        'there is no connection to ZooKeeper',
      );
    }
    const opened = WireSession.open({
      ...server,
      digest: this.#digest,
      timeoutMs: ANSWER_TIMEOUT_MS,
    });
    opened.catch(() => {
      if (this.#opened === opened) {
        this.#opened = undefined;
      }
    });
    return opened;
  }

  #end(): void {
    const opened = this.#opened;
    this.#opened = undefined;
    opened?.then((session) => session.close()).catch(() => undefined);
  }
}
