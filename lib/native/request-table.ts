import type {
  ReplyTuple,
  RequestOperation,
  RequestTuple,
} from './keeper/protocol.js';
import { errorOfCode } from '../zookeeper/result-codes.js';
import {
  ZookeeperError,
  type ZookeeperErrorCode,
} from '../zookeeper/zookeeper.error.js';

interface Pending {
  readonly operation: RequestOperation;
  readonly path: string;
  readonly dataLength: number;
  /** In sweeps; see {@link RequestTable.sweep}. */
  readonly addedIn: number;
  resolve(reply: ReplyTuple): void;
  reject(error: ZookeeperError): void;
}

// What a keeper that does not keep up may cost: far more than elections need.
const MOST_PENDING = 100_000;
const MOST_PENDING_CHARACTERS = 8 * 1024 * 1024;

/** The requests of one client that have not been answered yet. */
export class RequestTable {
  readonly #pending = new Map<number, Pending>();
  #outbox: RequestTuple[] = [];
  #lastId = 0;
  #pendingCharacters = 0;
  #sweeps = 0;
  /** Queues a request. The promise settles in any case. */
  add(
    operation: RequestOperation,
    path: string,
    data: string,
    argument: number,
  ): Promise<ReplyTuple> {
    if (
      this.#pending.size >= MOST_PENDING ||
      this.#pendingCharacters + data.length > MOST_PENDING_CHARACTERS
    ) {
      return Promise.reject(
        failure(
          'CONNECTION_LOSS',
          { operation, path },
          `not sent, because ${this.#pending.size} requests wait for an answer`,
        ),
      );
    }
    const id = ++this.#lastId;
    this.#outbox.push([id, operation, path, data, argument]);
    this.#pendingCharacters += data.length;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, {
        operation,
        path,
        dataLength: data.length,
        addedIn: this.#sweeps,
        resolve,
        reject,
      });
    });
  }

  /** Whether nothing waits to be sent. */
  get isOutboxEmpty(): boolean {
    return this.#outbox.length === 0;
  }

  /** The requests to be sent now. */
  takeOutbox(): RequestTuple[] {
    const outbox = this.#outbox;
    this.#outbox = [];
    return outbox;
  }

  settle(reply: ReplyTuple): void {
    const [id, code] = reply;
    const pending = this.#take(id);
    if (code === 0) {
      pending?.resolve(reply);
    } else {
      pending?.reject(
        errorOfCode(code, pending.operation, pending.path, false),
      );
    }
  }

  rejectAll(code: ZookeeperErrorCode, why: string): void {
    this.#outbox = [];
    for (const [id, pending] of this.#pending) {
      this.#take(id);
      pending.reject(failure(code, pending, why));
    }
  }

  /**
   * Gives up what has been waiting for more than `sweeps` calls of this method.
   * Counts calls, because after a stall of this process the answers lie ready.
   */
  sweep(sweeps: number): void {
    this.#sweeps += 1;
    for (const [id, pending] of this.#pending) {
      if (this.#sweeps - pending.addedIn <= sweeps) {
        // They were added in this order.
        break;
      }
      this.#take(id);
      pending.reject(
        failure('TIMEOUT', pending, 'the session keeper did not answer'),
      );
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending) {
      this.#pending.delete(id);
      this.#pendingCharacters -= pending.dataLength;
    }
    return pending;
  }
}

function failure(
  code: ZookeeperErrorCode,
  { operation, path }: { operation: string; path: string },
  why: string,
): ZookeeperError {
  return new ZookeeperError(code, `${operation} ${path}: ${why}`, path);
}
