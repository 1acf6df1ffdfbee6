import type { ZookeeperClient } from '../zookeeper/zookeeper-client.interface.js';
import { isConnectionError } from '../zookeeper/zookeeper.error.js';

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 10_000;

/**
 * How long a {@link SerialLoop} pauses at most before it tries again; undefined:
 * until it is woken. For a step that every new connection wakes: a broken one
 * comes back with an event, a request that failed on a living one does not.
 */
export function longestRetryMs(
  { connection }: ZookeeperClient,
  error: unknown,
): number | undefined {
  return isConnectionError(error) && connection.state !== 'connected'
    ? undefined
    : LONGEST_RETRY_MS;
}

/**
 * Runs one step at a time. Events only call {@link wake}; the step looks at the
 * state as it is and makes it what it should be. Events that come together are
 * all heard before the step runs, and those that come while it runs make it run
 * once more, however many they are.
 */
export class SerialLoop {
  readonly #step: () => Promise<void>;
  readonly #onError: (error: unknown) => number | undefined;
  #isAwake = false;
  #isRunning = false;
  #isStopped = false;
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;

  /**
   * @param onError returns the longest pause before the next try, undefined to
   * wait for {@link wake}
   */
  constructor(
    step: () => Promise<void>,
    onError: (error: unknown) => number | undefined,
  ) {
    this.#step = step;
    this.#onError = onError;
  }

  /** Has the step run, soon if none is running. */
  wake(): void {
    this.#isAwake = true;
    if (!this.#isRunning && !this.#isStopped) {
      this.#isRunning = true;
      // Unlike queueMicrotask(), no fake timers stop it.
      void Promise.resolve().then(() => this.#run());
    }
  }

  /** Lets a running step end and starts no other. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
  }

  async #run(): Promise<void> {
    clearTimeout(this.#retry);
    while (this.#isAwake && !this.#isStopped) {
      this.#isAwake = false;
      try {
        await this.#step();
        this.#failures = 0;
      } catch (error) {
        const longestMs = this.#onError(error);
        if (longestMs !== undefined) {
          this.#retryWithin(longestMs);
        }
      }
    }
    this.#isRunning = false;
  }

  #retryWithin(longestMs: number): void {
    clearTimeout(this.#retry);
    const pauseMs = Math.min(
      longestMs,
      FIRST_RETRY_MS * 2 ** Math.min(this.#failures, 20),
    );
    this.#failures += 1;
    if (!this.#isStopped) {
      this.#retry = setTimeout(() => this.wake(), pauseMs);
    }
  }
}
