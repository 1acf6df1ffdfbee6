import type { Subscription } from 'rxjs';
import { pause } from '../within.js';
import { isConnectionError } from '../zookeeper/zookeeper.error.js';
import type { TaskClient } from './ledger-store.js';

const RETRY_MS = 5_000;

/**
 * Reads something again whenever it may have changed: at a change that a watch
 * reports, and on every new connection. One look at a time.
 */
export class NodeWatch {
  readonly #client: TaskClient;
  readonly #read: (changed: () => void) => Promise<void>;
  readonly #onProblem: (error: unknown) => void;
  #subscription: Subscription | undefined;
  #stopped = new AbortController();
  #isReading = false;
  #isStale = false;

  /**
   * @param read sets watches that call `changed`
   * @param onProblem called for errors that no new connection will heal
   */
  constructor(
    client: TaskClient,
    read: (changed: () => void) => Promise<void>,
    onProblem: (error: unknown) => void,
  ) {
    this.#client = client;
    this.#read = read;
    this.#onProblem = onProblem;
  }

  get isRunning(): boolean {
    return this.#subscription !== undefined;
  }

  start(): void {
    if (!this.#subscription) {
      this.#stopped = new AbortController();
      this.#subscription = this.#client.connection$.subscribe(({ state }) => {
        if (state === 'connected') {
          this.look();
        }
      });
    }
  }

  stop(): void {
    this.#stopped.abort();
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }

  /** Reads again. */
  look(): void {
    if (this.#stopped.signal.aborted) {
      return;
    }
    this.#isStale = true;
    if (!this.#isReading) {
      void this.#readAgain();
    }
  }

  async #readAgain(): Promise<void> {
    this.#isReading = true;
    const { signal } = this.#stopped;
    while (this.#isStale && !signal.aborted) {
      this.#isStale = false;
      let isTold = false;
      const changed = (): void => {
        if (!isTold && !signal.aborted) {
          isTold = true;
          this.look();
        }
      };
      try {
        await this.#read(changed);
      } catch (error) {
        if (!isConnectionError(error)) {
          this.#onProblem(error);
        }
        if (this.#client.connection.state === 'connected') {
          await pause(RETRY_MS, signal);
          this.#isStale = true;
        }
      }
    }
    this.#isReading = false;
    if (this.#isStale && !this.#stopped.signal.aborted) {
      void this.#readAgain();
    }
  }
}
