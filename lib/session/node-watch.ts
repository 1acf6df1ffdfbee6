import type { Logger } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import { LastingProblem } from '../lasting-problem.js';
import { messageOf } from '../message-of.js';
import { pause } from '../within.js';
import { isConnectionError } from '../zookeeper/zookeeper.error.js';
import type { NodeClient } from './nodes.js';

const RETRY_MS = 5_000;

/** What is read, for log lines. */
export interface WatchedThing {
  /** As in `Which leader tasks are paused`. */
  readonly what: string;
  readonly path: string;
  readonly logger: Logger;
  /** Called for errors that no new connection will heal. */
  readonly onProblem?: () => void;
}

/**
 * Reads something again whenever it may have changed: at a change that a watch
 * reports, and on every new connection. One look at a time.
 */
export class NodeWatch {
  readonly #client: NodeClient;
  readonly #read: (changed: () => void) => Promise<void>;
  readonly #thing: WatchedThing;
  readonly #retryMs: number;
  readonly #problem = new LastingProblem();
  /** One for all readings: a node that is read again has no second watcher. */
  readonly #changed = (): void => this.look();
  #subscription: Subscription | undefined;
  #stopped = new AbortController();
  #isReading = false;
  #isStale = false;

  /**
   * @param read sets watches that call `changed`
   */
  constructor(
    client: NodeClient,
    read: (changed: () => void) => Promise<void>,
    thing: WatchedThing,
    retryMs = RETRY_MS,
  ) {
    this.#client = client;
    this.#read = read;
    this.#thing = thing;
    this.#retryMs = retryMs;
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
      try {
        await this.#read(this.#changed);
        this.#healed();
      } catch (error) {
        if (!isConnectionError(error)) {
          this.#failed(messageOf(error));
          this.#thing.onProblem?.();
        }
        if (this.#client.connection.state === 'connected') {
          await pause(this.#retryMs, signal);
          this.#isStale = true;
        }
      }
    }
    this.#isReading = false;
    if (this.#isStale && !this.#stopped.signal.aborted) {
      void this.#readAgain();
    }
  }

  #failed(why: string): void {
    const { what, path, logger } = this.#thing;
    const news = this.#problem.note(why);
    if (news?.isNew) {
      logger.warn(`${what} could not be read from ${path}: ${why}; retrying`);
    } else if (news) {
      const since = news.since.toISOString();
      logger.warn(
        `${what} could not be read from ${path} since ${since}: ${why}; retrying`,
      );
    }
  }

  #healed(): void {
    const { what, path, logger } = this.#thing;
    const ended = this.#problem.end();
    if (ended) {
      logger.log(
        `${what} can be read from ${path} again, after a problem since ${ended.since.toISOString()}: ${ended.text}`,
      );
    }
  }
}
