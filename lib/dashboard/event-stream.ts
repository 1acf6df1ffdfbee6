import type { ServerResponse } from 'node:http';
import { Subscription } from 'rxjs';
import type { PartStore } from './part-store.js';

/** Keeps proxies from closing the connection, and tells the page that it lives. */
const KEEP_ALIVE_MS = 5_000;
/** A browser that takes nothing for so long is given up. */
const LONGEST_BLOCK_MS = 30_000;
/** When a browser tries again. */
const RETRY_MS = 1_000;

/**
 * Server-sent events for one browser. What it has not been sent yet is worked
 * out when it can take it: a slow one gets fewer and larger messages, and
 * nothing piles up for it here.
 */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #parts: PartStore;
  /** Everything that has to end with the stream. */
  readonly #held = new Subscription();
  #sentVersion = 0;
  #blockedAtMs: number | undefined;

  constructor(response: ServerResponse, parts: PartStore) {
    this.#response = response;
    this.#parts = parts;
  }

  /**
   * Begins to send.
   *
   * @param onEnd called once, however the stream ends, also where the browser
   * has gone before
   */
  open(onEnd: () => void): void {
    const response = this.#response;
    this.#held.add(onEnd);
    if (response.destroyed) {
      // It went while a guard was asked: its `close` event has passed.
      this.#held.unsubscribe();
      return;
    }
    response.on('error', () => undefined);
    response.once('close', () => this.#held.unsubscribe());
    response.on('drain', () => {
      this.#blockedAtMs = undefined;
      this.#flush();
    });
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      // no-transform: a compressor would hold messages back.
      'Cache-Control': 'no-store, no-transform',
      'X-Accel-Buffering': 'no',
      'X-Content-Type-Options': 'nosniff',
    });
    response.write(`retry: ${RETRY_MS}\n\n`);
    const keepAlive = setInterval(() => this.#keepOpen(), KEEP_ALIVE_MS);
    this.#held.add(() => clearInterval(keepAlive));
    this.#held.add(this.#parts.changes$.subscribe(() => this.#flush()));
    this.#flush();
  }

  /** Ends the stream; the browser asks again. */
  close(): void {
    this.#held.unsubscribe();
    this.#response.end();
    // A browser that takes nothing would keep it open.
    this.#response.socket?.destroySoon();
  }

  #flush(): void {
    if (this.#blockedAtMs !== undefined || this.#response.writableEnded) {
      return;
    }
    const { version, message } = this.#parts.changesSince(this.#sentVersion);
    this.#sentVersion = version;
    if (message !== undefined) {
      this.#write(`data: ${message}\n\n`);
    }
  }

  #keepOpen(): void {
    const blockedForMs =
      this.#blockedAtMs === undefined
        ? 0
        : performance.now() - this.#blockedAtMs;
    if (blockedForMs > LONGEST_BLOCK_MS) {
      this.#response.destroy();
    } else if (blockedForMs === 0) {
      this.#write('event: alive\ndata:\n\n');
    }
  }

  #write(text: string): void {
    if (!this.#response.write(text)) {
      this.#blockedAtMs = performance.now();
    }
  }
}
