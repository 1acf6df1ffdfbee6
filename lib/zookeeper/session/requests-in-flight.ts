import type { ZookeeperError } from '../zookeeper.error.js';

/** A request that waits for its answer. */
export interface PendingRequest<Body> {
  readonly xid: number;
  /** What the caller asked for, for messages: `getChildren /a`. */
  readonly operation: string;
  readonly path: string;
  readonly bytes: number;
  /** In ticks. */
  readonly sentAt: number;
  /** Called with the body of a successful answer, or with its code. */
  answered(code: number, body: Body): void;
  failed(error: ZookeeperError): void;
  /** Failed already; the answer is still to come. */
  isGivenUp?: boolean;
}

/** What a server that does not keep up may cost: far more than elections need. */
const MOST_REQUESTS = 100_000;
const MOST_BYTES = 8 * 1024 * 1024;

/** The requests of one connection, which are answered in their order. */
export class RequestsInFlight<Body> {
  #queue: PendingRequest<Body>[] = [];
  #head = 0;
  #bytes = 0;

  get size(): number {
    return this.#queue.length - this.#head;
  }

  get isFull(): boolean {
    return this.size >= MOST_REQUESTS || this.#bytes > MOST_BYTES;
  }

  add(request: PendingRequest<Body>): void {
    this.#queue.push(request);
    this.#bytes += request.bytes;
  }

  /**
   * Takes out the request that an answer is for.
   *
   * @throws {RangeError} if the answer is not for the one whose turn it is
   */
  take(xid: number): PendingRequest<Body> {
    const request = this.#queue[this.#head];
    if (request?.xid !== xid) {
      throw new RangeError(
        request
          ? `the answer to request ${xid}, where ${request.xid} was due`
          : `an answer to request ${xid}, which nobody made`,
      );
    }
    this.#head += 1;
    this.#bytes -= request.bytes;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else if (this.#head >= 1_024 && 2 * this.#head > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return request;
  }

  /** The oldest request that has not been answered. */
  get oldest(): PendingRequest<Body> | undefined {
    return this.#queue[this.#head];
  }

  /** Fails the requests that were sent before `tick`. Answers may still come. */
  giveUpBefore(
    tick: number,
    error: (request: PendingRequest<Body>) => ZookeeperError,
  ): void {
    for (let index = this.#head; index < this.#queue.length; index++) {
      const request = this.#queue[index] as PendingRequest<Body>;
      if (request.sentAt >= tick) {
        return;
      }
      if (!request.isGivenUp) {
        request.isGivenUp = true;
        request.failed(error(request));
      }
    }
  }

  /** Fails all of them. */
  clear(error: (request: PendingRequest<Body>) => ZookeeperError): void {
    this.giveUpBefore(Number.POSITIVE_INFINITY, error);
    this.#queue = [];
    this.#head = 0;
    this.#bytes = 0;
  }
}
