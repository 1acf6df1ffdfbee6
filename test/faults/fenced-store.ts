import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { monotonicMs } from './clock.js';

export interface WriteRequest {
  readonly id: number;
  readonly election: string;
  readonly fencingToken: number;
  readonly instanceId: string;
}

export interface StoredWrite extends WriteRequest {
  readonly atMs: number;
  readonly isAccepted: boolean;
  /** Changes when the store forgets its tokens. */
  readonly era: number;
}

/**
 * The resource that leaders write to: it refuses a token smaller than the
 * greatest that it has seen. Writes are decided one after the other, in one
 * process: their order is beyond doubt.
 *
 * A request is a line of JSON, and so is the answer: `{ id, isAccepted }`.
 */
export class FencedStore {
  readonly writes: StoredWrite[] = [];
  readonly #highest = new Map<string, number>();
  readonly #sockets = new Set<Socket>();
  readonly #listener: Server;
  #era = 0;

  static async start(): Promise<FencedStore> {
    const store = new FencedStore();
    await once(store.#listener.listen(0, '127.0.0.1'), 'listening');
    return store;
  }

  private constructor() {
    this.#listener = createServer((socket) => this.#serve(socket));
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** For when ZooKeeper has lost its data, and tokens begin anew. */
  forgetTokens(): void {
    this.#era += 1;
    this.#highest.clear();
  }

  close(): void {
    this.#listener.close();
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    createInterface({ input: socket })
      .on('line', (line) => {
        const request = JSON.parse(line) as WriteRequest;
        const isAccepted = this.#write(request);
        socket.write(`${JSON.stringify({ id: request.id, isAccepted })}\n`);
      })
      .on('error', () => socket.destroy());
  }

  #write(request: WriteRequest): boolean {
    const { election, fencingToken } = request;
    const isAccepted = fencingToken >= (this.#highest.get(election) ?? 0);
    if (isAccepted) {
      this.#highest.set(election, fencingToken);
    }
    this.writes.push({
      ...request,
      atMs: monotonicMs(),
      isAccepted,
      era: this.#era,
    });
    return isAccepted;
  }
}
