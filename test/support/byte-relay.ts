import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface ByteRelayOptions {
  readonly targetPort: number;
  /** Where it listens; default 127.0.0.1. */
  readonly host?: string;
  /** Passes bytes on in pieces of that size. */
  readonly pieceBytes?: number;
  /** Changes, delays or swallows what the server says; the default passes it on. */
  readonly onReply?: (bytes: Buffer, toClient: Socket) => void;
}

/**
 * A network that knows nothing of ZooKeeper: for what is encrypted, and for what
 * must arrive in pieces.
 */
export class ByteRelay {
  static async start(options: ByteRelayOptions): Promise<ByteRelay> {
    const relay = new ByteRelay(options);
    const { host = '127.0.0.1' } = options;
    await once(relay.#listener.listen(0, host), 'listening');
    return relay;
  }

  /** All that has passed, in both directions. */
  readonly recorded: Buffer[] = [];
  /** Connections that have been made. */
  connections = 0;

  readonly #options: ByteRelayOptions;
  readonly #sockets = new Set<Socket>();
  readonly #listener = createServer((client) => this.#accept(client));

  private constructor(options: ByteRelayOptions) {
    this.#options = options;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** Resets all connections. */
  cut(): void {
    for (const socket of this.#sockets) {
      // A connection not yet made cannot be reset.
      if (socket.connecting) {
        socket.destroy();
      } else {
        socket.resetAndDestroy();
      }
    }
  }

  close(): void {
    this.#listener.close();
    this.cut();
  }

  #accept(client: Socket): void {
    this.connections += 1;
    const { targetPort, onReply } = this.#options;
    const server = connect({ port: targetPort, host: '127.0.0.1' });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay();
      socket.on('data', (bytes) => {
        this.recorded.push(bytes);
        if (socket === server && onReply) {
          onReply(bytes, client);
        } else {
          this.#pass(bytes, other);
        }
      });
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.on('end', () => other.end());
    }
  }

  #pass(bytes: Buffer, to: Socket): void {
    const { pieceBytes = bytes.length } = this.#options;
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      to.write(bytes.subarray(at, at + pieceBytes));
    }
  }
}
