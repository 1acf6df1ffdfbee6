import { RESULT_CODES } from '../codec/result-codes.js';
import type { Xids } from '../codec/xids.js';
import { errorOfCode } from '../error-of-code.js';
import type { NodeEvent, NodeWatcher } from '../zookeeper-client.interface.js';
import { requestError, type ZookeeperErrorCode } from '../zookeeper.error.js';
import { RequestsInFlight } from './requests-in-flight.js';
import { WatchTable, type WatchKind } from './watch-table.js';

/** What is asked for, and how its answer is read. */
export interface ExchangedRequest<Body, Answer> {
  /** For messages. */
  readonly operation: string;
  readonly path: string;
  readonly read: (body: Body) => Answer;
  readonly watch?:
    { readonly kind: WatchKind; readonly watcher: NodeWatcher } | undefined;
}

export interface ExchangeOptions {
  /** Where the numbers of requests go on. */
  readonly xids: Xids;
  /** A request that waits for more ticks fails. */
  readonly ticksToAnswer: number;
  /** Whether the client proves who it is; for messages. */
  readonly canProve: boolean;
  /** The server has a watch that nobody here wants any more. */
  readonly onUnwanted?: (kind: WatchKind, path: string) => void;
  /** A watcher has thrown. */
  readonly onWatcherError: (error: unknown) => void;
}

/**
 * What one connection is owed: the answers to its requests, in their order, and
 * the events of its watches. All promises settle at its end.
 */
export class Exchange<Body> {
  readonly #options: ExchangeOptions;
  readonly #requests = new RequestsInFlight<Body>();
  readonly #watches = new WatchTable();
  /** Watchers that an event has come for, and that are about to hear of it. */
  readonly #due = new Set<{ path: string; watcher: NodeWatcher }>();
  #tick = 0;
  #isOver = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  /** @param write sends the request; returns how many bytes that were */
  request<Answer>(
    request: ExchangedRequest<Body, Answer>,
    write: (xid: number) => number,
  ): Promise<Answer> {
    if (this.#isOver || this.#requests.isFull) {
      const why = this.#isOver
        ? 'the connection to ZooKeeper was lost'
        : `not sent, because ${this.#requests.size} requests wait for an answer`;
      return Promise.reject(requestError('CONNECTION_LOSS', request, why));
    }
    return new Promise((resolve, reject) => {
      const { operation, path, watch } = request;
      const xid = this.#options.xids.next();
      const bytes = write(xid);
      const awaited =
        watch && this.#watches.expect(watch.kind, path, watch.watcher);
      this.#requests.add({
        xid,
        operation,
        path,
        bytes,
        sentAt: this.#tick,
        answered: (code, body) => {
          const isOk = code === RESULT_CODES.ok;
          if (awaited && this.#watches.settle(awaited, isOk)) {
            this.#options.onUnwanted?.(awaited.kind, path);
          }
          if (!isOk) {
            reject(errorOfCode(code, request, this.#options.canProve));
            return;
          }
          try {
            resolve(request.read(body));
          } catch (error) {
            const why = `the answer is wrong: ${(error as Error).message}`;
            reject(requestError('UNKNOWN', request, why));
          }
        },
        failed: reject,
      });
    });
  }

  /**
   * An answer has come.
   *
   * @throws {RangeError} if it is not for the request whose turn it is
   */
  answered(xid: number, code: number, body: Body): void {
    this.#requests.take(xid).answered(code, body);
  }

  /** A watch has fired. Its watchers run later, and only as microtasks. */
  fired(event: NodeEvent, path: string): void {
    for (const watcher of this.#watches.take(event, path)) {
      const call = { path, watcher };
      this.#due.add(call);
      queueMicrotask(() => {
        try {
          if (this.#due.delete(call)) {
            watcher(event);
          }
        } catch (error) {
          this.#options.onWatcherError(error);
        }
      });
    }
  }

  /** Forgets a watcher. */
  unwatch(path: string, watcher: NodeWatcher): void {
    for (const call of this.#due) {
      if (call.path === path && call.watcher === watcher) {
        this.#due.delete(call);
      }
    }
    for (const kind of this.#watches.forget(path, watcher)) {
      this.#options.onUnwanted?.(kind, path);
    }
  }

  /**
   * Gives up what has waited for too long. Counts calls, because after a stall
   * of this process the answers lie ready. Returns how many of them the oldest
   * request has waited for.
   */
  tick(): number {
    this.#tick += 1;
    const { ticksToAnswer } = this.#options;
    this.#requests.giveUpBefore(this.#tick - ticksToAnswer, (request) =>
      requestError('TIMEOUT', request, 'ZooKeeper did not answer in time'),
    );
    const { oldest } = this.#requests;
    return oldest ? this.#tick - oldest.sentAt : 0;
  }

  end(code: ZookeeperErrorCode, why: string): void {
    this.#isOver = true;
    this.#requests.clear((request) => requestError(code, request, why));
  }
}
