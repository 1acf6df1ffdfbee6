import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { freePort } from '../../scripts/zookeeper/free-port.mjs';
import { ProxyPipe } from '../support/proxy-pipe.js';
import { monotonicMs } from './clock.js';
import type { ServerCertificate } from './security.js';
import { SessionTap, type GrantedSession } from './session-tap.js';
import { Conditions, FAIR, type Weather } from './weather.js';

/** Seen from the client that connects. */
export type LinkDirection = 'requests' | 'replies' | 'both';

/** What happens to one answer on each connection that is made from now on. */
export interface AnswerTrouble {
  /** Answers that come first, and are passed on: 0 is the handshake's. */
  readonly position: number;
  /** Milliseconds after which it goes on, with all behind it; or it is lost alone. */
  readonly delayMs: number | 'lost';
}

/** What a client has asked of a server: its session is to end. */
export interface CloseRequest {
  readonly sessionId: string;
  readonly atMs: number;
  /** The client's own. */
  readonly port: number;
}

interface LinkConnection {
  readonly client: Socket;
  readonly server: Socket;
  readonly toServer: ProxyPipe;
  readonly toClient: ProxyPipe;
  cut(): void;
}

const LOCALHOST = '127.0.0.1';

/**
 * A network cable with whatever protocol on it: it can be cut in both directions
 * or one, slow or lossy, and be reset in the middle of a packet.
 *
 * Cut means that bytes do not arrive until it is mended, as TCP would have it:
 * neither side is told, and what was sent is sent again later.
 */
export class Link {
  /** @param certificate with which it speaks TLS to clients, not to the server */
  static async open(
    targetPort: number,
    certificate?: ServerCertificate,
  ): Promise<Link> {
    const link = new Link(targetPort, await freePort(), certificate);
    await link.#listen();
    return link;
  }

  /** Of the near end. */
  address = LOCALHOST;
  /** The last session that was granted over this link. */
  granted: (GrantedSession & { readonly atMs: number }) | undefined;
  /** All sessions that were granted over this link. */
  readonly sessions = new Set<string>();
  /** Changes the first bytes that a client sends. */
  rewriteGreeting: ((bytes: Buffer) => Buffer) | undefined;
  /** Of a link to a ZooKeeper server: called when a session begins. */
  onGrant: ((session: GrantedSession) => void) | undefined;
  onClose: ((close: CloseRequest) => void) | undefined;
  /** Connections beyond that many are closed as soon as they are made. */
  mostConnections = Infinity;
  answerTrouble: AnswerTrouble | undefined;
  readonly #toServer = new Conditions();
  readonly #toClient = new Conditions();
  readonly #connections = new Set<LinkConnection>();
  #listener: Server | undefined;

  private constructor(
    readonly targetPort: number,
    readonly port: number,
    private readonly certificate: ServerCertificate | undefined,
  ) {}

  get openConnections(): number {
    return this.#connections.size;
  }

  cut(direction: LinkDirection = 'both'): void {
    for (const conditions of this.#conditions(direction)) {
      conditions.held = true;
    }
  }

  weather(weather: Weather, direction: LinkDirection = 'both'): void {
    for (const conditions of this.#conditions(direction)) {
      conditions.weather = weather;
    }
  }

  /** Whether all that was sent has arrived, or its connection was given up. */
  get isIdle(): boolean {
    return [...this.#connections].every(
      ({ client, server, toServer, toClient }) =>
        client.destroyed ||
        server.destroyed ||
        (toServer.isIdle && toClient.isIdle),
    );
  }

  /** Undoes all of the above. */
  mend(): void {
    this.mostConnections = Infinity;
    this.answerTrouble = undefined;
    for (const conditions of this.#conditions('both')) {
      conditions.held = false;
      conditions.weather = FAIR;
    }
    for (const connection of this.#connections) {
      if (connection.client.destroyed || connection.server.destroyed) {
        connection.cut();
      } else {
        connection.toServer.flush();
        connection.toClient.flush();
      }
    }
  }

  /** Resets its connections: all, or each with a probability. */
  reset(chance: () => boolean = () => true): void {
    for (const connection of this.#connections) {
      if (chance()) {
        connection.cut();
      }
    }
  }

  /** Resets all connections once that many more bytes have passed. */
  resetAfter(bytes: number, direction: 'requests' | 'replies'): void {
    for (const { toServer, toClient } of this.#connections) {
      const pipe = direction === 'requests' ? toServer : toClient;
      pipe.bytesLeft = bytes;
    }
  }

  /** Its near end is at another address from now on; what was connected is reset. */
  async moveTo(address: string): Promise<void> {
    this.#listener?.close();
    this.reset();
    this.address = address;
    await this.#listen();
  }

  close(): void {
    this.#listener?.close();
    this.reset();
  }

  async #listen(): Promise<void> {
    const listener = createServer({ allowHalfOpen: true }, (client) =>
      this.#connect(client),
    );
    this.#listener = listener;
    listener.unref();
    await once(listener.listen(this.port, this.address), 'listening');
  }

  #conditions(direction: LinkDirection): Conditions[] {
    return [
      ...(direction === 'replies' ? [] : [this.#toServer]),
      ...(direction === 'requests' ? [] : [this.#toClient]),
    ];
  }

  #connect(client: Socket): void {
    if (this.#connections.size >= this.mostConnections) {
      client.on('error', () => undefined).destroy();
      return;
    }
    const server = connect({
      port: this.targetPort,
      host: LOCALHOST,
      allowHalfOpen: true,
    });
    const cut = (): void => {
      connection.toServer.clear();
      connection.toClient.clear();
      for (const socket of [client, server]) {
        if (socket.connecting) {
          socket.destroy();
        } else {
          socket.resetAndDestroy();
        }
      }
    };
    // Over the same cable: what happens to it happens to what is encrypted.
    const plain = this.certificate
      ? new TLSSocket(client, { isServer: true, ...this.certificate })
      : client;
    const connection: LinkConnection = {
      client,
      server,
      toServer: new ProxyPipe(server, this.#toServer, cut),
      toClient: new ProxyPipe(plain, this.#toClient, cut),
      cut,
    };
    this.#connections.add(connection);
    const { toServer, toClient } = connection;
    client.on('error', () => undefined);
    if (this.onGrant) {
      const tap = this.#tap(client, plain);
      this.#forward(connection, plain, this.#toServer, toServer, (bytes) => {
        tap.requests(bytes).forEach((packet) => toServer.push(packet));
      });
      const answer = this.#answers(toClient);
      this.#forward(connection, server, this.#toClient, toClient, (bytes) => {
        tap.replies(bytes).forEach(answer);
      });
    } else {
      let isFirst = true;
      this.#forward(connection, plain, this.#toServer, toServer, (bytes) => {
        toServer.push(isFirst ? this.#greeting(bytes) : bytes);
        isFirst = false;
      });
      this.#forward(connection, server, this.#toClient, toClient, (bytes) =>
        toClient.push(bytes),
      );
    }
  }

  #forward(
    connection: LinkConnection,
    source: Socket,
    conditions: Conditions,
    pipe: ProxyPipe,
    take: (bytes: Buffer) => void,
  ): void {
    source.setNoDelay();
    source.on('data', take);
    source.on('end', () => pipe.push('end'));
    source.on('error', () => {
      // A cut cable does not pass on a reset either; any other passes it on behind
      // the bytes that were sent before.
      if (!conditions.held) {
        pipe.push('reset');
      }
    });
    source.on('close', () => {
      if (connection.client.destroyed && connection.server.destroyed) {
        this.#connections.delete(connection);
      }
    });
  }

  #greeting(bytes: Buffer): Buffer {
    return this.rewriteGreeting?.(bytes) ?? bytes;
  }

  #tap(client: Socket, plain: Socket): SessionTap {
    const port = client.remotePort ?? 0;
    return new SessionTap(
      (session) => {
        // A server that answers late grants a session that nobody will use. Below
        // TLS the socket itself does not say that its client has left.
        if (!plain.readableEnded && !plain.destroyed) {
          this.granted = { ...session, atMs: monotonicMs() };
          this.sessions.add(session.sessionId);
          this.onGrant?.(session);
        }
      },
      (sessionId) => this.onClose?.({ sessionId, atMs: monotonicMs(), port }),
    );
  }

  /** What passes a server's answers on, with the trouble that there is now. */
  #answers(pipe: ProxyPipe): (packet: Buffer) => void {
    const trouble = this.answerTrouble;
    let position = 0;
    return (packet) => {
      if (position++ !== trouble?.position) {
        pipe.push(packet);
      } else if (trouble.delayMs !== 'lost') {
        pipe.holdNext();
        pipe.push(packet);
        setTimeout(() => pipe.lift('deliver'), trouble.delayMs).unref();
      }
    };
  }
}
