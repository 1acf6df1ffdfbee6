import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** Writes to the fenced store, with the token of the term. */
export class StoreClient {
  readonly #instanceId: string;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (isAccepted: boolean) => void>();
  #lastId = 0;

  constructor(port: number, instanceId: string) {
    this.#instanceId = instanceId;
    this.#socket = connect({ port, host: '127.0.0.1' });
    this.#socket.on('error', () => this.#socket.destroy());
    createInterface({ input: this.#socket })
      .on('line', (line) => {
        const { id, isAccepted } = JSON.parse(line) as {
          id: number;
          isAccepted: boolean;
        };
        this.#waiting.get(id)?.(isAccepted);
        this.#waiting.delete(id);
      })
      .on('error', () => this.#socket.destroy());
    this.#socket.on('close', () => {
      for (const settle of this.#waiting.values()) {
        settle(false);
      }
      this.#waiting.clear();
    });
  }

  write(election: string, fencingToken: number): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) {
        resolve(false);
        return;
      }
      const id = ++this.#lastId;
      this.#waiting.set(id, resolve);
      const instanceId = this.#instanceId;
      this.#socket.write(
        `${JSON.stringify({ id, election, fencingToken, instanceId })}\n`,
      );
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
