import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A socket in front of another one, whose connections a test can cut. */
export class UnixProxy {
  static async start(path: string, target: string): Promise<UnixProxy> {
    const proxy = new UnixProxy(path, target);
    proxy.#server.listen(path);
    await once(proxy.#server, 'listening');
    chmodSync(path, 0o600);
    return proxy;
  }

  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isHolding = false;

  private constructor(
    private readonly path: string,
    target: string,
  ) {
    this.#server = createServer((client) => {
      this.#add(client);
      if (!this.#isHolding) {
        const server = connect(target);
        this.#add(server);
        client.pipe(server).pipe(client);
        // A pipe passes an end on, and no error: as of a process that was killed
        // with something unread.
        client.on('error', () => server.destroy());
        server.on('error', () => client.destroy());
      }
    });
  }

  /** Ends all connections, at both ends. */
  cut(): void {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  /** New connections are accepted, and lead nowhere. */
  hold(): void {
    this.#isHolding = true;
  }

  close(): void {
    this.#server.close();
    this.cut();
    rmSync(this.path, { force: true });
  }

  #add(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
