import type { ZookeeperClient } from '../zookeeper/zookeeper-client.interface.js';
import { isConnectionError } from '../zookeeper/zookeeper.error.js';

/** What a {@link SerialLoop} does about an error of its step. */
export type RetryDecision = 'wait' | 'retry';

/**
 * For a step that is woken by every new connection: a broken one comes back with
 * an event, a request that was given up on a living one does not.
 */
export function retryDecision(
  { connection }: ZookeeperClient,
  error: unknown,
): RetryDecision {
  return isConnectionError(error) && connection.state !== 'connected'
    ? 'wait'
    : 'retry';
}

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 10_000;

/**
 * Runs one step at a time. Events only call {@link wake}; the step looks at the
 * state as it is and makes it what it should be. Events that come while a step
 * runs make it run once more, however many they were.
 */
export class SerialLoop {
  readonly #step: () => Promise<void>;
  readonly #onError: (error: unknown) => RetryDecision;
  #isAwake = false;
  #isRunning = false;
  #isStopped = false;
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(
    step: () => Promise<void>,
    onError: (error: unknown) => RetryDecision,
  ) {
    this.#step = step;
    this.#onError = onError;
  }

  /** Has the step run, now if none is running. */
  wake(): void {
    this.#isAwake = true;
    if (!this.#isRunning && !this.#isStopped) {
      void this.#run();
    }
  }

  /** Lets a running step end and starts no other. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    clearTimeout(this.#retry);
    while (this.#isAwake && !this.#isStopped) {
      this.#isAwake = false;
      try {
        await this.#step();
        this.#failures = 0;
      } catch (error) {
        if (this.#onError(error) === 'retry') {
          this.#retryLater();
        }
      }
    }
    this.#isRunning = false;
  }

  #retryLater(): void {
    clearTimeout(this.#retry);
    const pauseMs = Math.min(
      LONGEST_RETRY_MS,
      FIRST_RETRY_MS * 2 ** Math.min(this.#failures, 20),
    );
    this.#failures += 1;
    if (!this.#isStopped) {
      this.#retry = setTimeout(() => this.wake(), pauseMs);
    }
  }
}
