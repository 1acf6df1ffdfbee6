import type { ServerResponse } from 'node:http';
import type { Subscription } from 'rxjs';
import type { PartStore } from './part-store.js';

/** What comes this often keeps proxies from closing the connection. */
const KEEP_ALIVE_MS = 15_000;
/** A browser that takes nothing for so long is given up. */
const LONGEST_BLOCK_MS = 30_000;
/** When a browser tries again. */
const RETRY_MS = 1_000;

/**
 * Server-sent events for one browser. What it has not been sent yet is worked
 * out when it can take it, so that a slow one gets fewer and larger messages,
 * and nothing piles up for it here.
 */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #parts: PartStore;
  readonly #changes: Subscription;
  readonly #keepAlive: NodeJS.Timeout;
  #sentVersion = 0;
  #blockedAtMs: number | undefined;

  /** @param onClose called once, however the stream ends */
  constructor(response: ServerResponse, parts: PartStore, onClose: () => void) {
    this.#response = response;
    this.#parts = parts;
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      // no-transform: a compressor would hold messages back.
      'Cache-Control': 'no-store, no-transform',
      'X-Accel-Buffering': 'no',
      'X-Content-Type-Options': 'nosniff',
    });
    response.write(`retry: ${RETRY_MS}\n\n`);
    response.on('drain', () => {
      this.#blockedAtMs = undefined;
      this.#flush();
    });
    this.#changes = parts.changes$.subscribe(() => this.#flush());
    this.#keepAlive = setInterval(() => this.#keepOpen(), KEEP_ALIVE_MS);
    response.on('error', () => undefined);
    response.once('close', () => {
      clearInterval(this.#keepAlive);
      this.#changes.unsubscribe();
      onClose();
    });
    this.#flush();
  }

  /** Ends the stream; the browser asks again. */
  close(): void {
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
    const { blockedForMs } = this;
    if (blockedForMs > LONGEST_BLOCK_MS) {
      this.#response.destroy();
    } else if (blockedForMs === 0) {
      this.#write(': still here\n\n');
    }
  }

  private get blockedForMs(): number {
    return this.#blockedAtMs === undefined
      ? 0
      : performance.now() - this.#blockedAtMs;
  }

  #write(text: string): void {
    if (!this.#response.write(text)) {
      this.#blockedAtMs = performance.now();
    }
  }
}
