import { once } from 'node:events';
import {
  connect,
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import {
  connect as connectTls,
  createServer as createTlsServer,
  type ConnectionOptions,
  type TlsOptions,
} from 'node:tls';

/**
 * Takes TLS off what passes, or puts it on: with one of each around a proxy, the
 * proxy can disturb packets that are encrypted elsewhere.
 */
export class TlsHop {
  /** @param options of a server: what its clients see */
  static takingOff(targetPort: number, options: TlsOptions): Promise<TlsHop> {
    const listener = createTlsServer(options, (socket) =>
      join(socket, connect({ port: targetPort, host: '127.0.0.1' })),
    );
    return TlsHop.#listen(listener);
  }

  /** @param options of a client: what the server sees */
  static puttingOn(
    targetPort: number,
    options: ConnectionOptions,
  ): Promise<TlsHop> {
    const listener = createServer((socket) =>
      join(
        socket,
        connectTls({ ...options, port: targetPort, host: '127.0.0.1' }),
      ),
    );
    return TlsHop.#listen(listener);
  }

  static async #listen(listener: Server): Promise<TlsHop> {
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    return new TlsHop(listener);
  }

  private constructor(readonly listener: Server) {
    // A handshake that fails is for the client to report.
    listener.on('tlsClientError', () => undefined);
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  close(): void {
    this.listener.close();
  }
}

function join(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.setNoDelay().pipe(to);
    from.on('error', () => undefined).on('close', () => to.destroy());
  }
}
