import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../../scripts/zookeeper/free-port.mjs';
import { ProxyPipe, type PipeConditions } from '../support/proxy-pipe.js';

/** Seen from whoever connects. */
export type LinkDirection = 'requests' | 'replies' | 'both';

export interface Weather {
  readonly delayMs: number;
  readonly jitterMs: number;
  /** Share of the segments that are lost, and come when TCP sends them again. */
  readonly lossRate: number;
}

/** What a ZooKeeper server has granted to a client that connected. */
export interface GrantedSession {
  readonly sessionId: string;
  readonly password: Buffer;
}

const FAIR: Weather = { delayMs: 0, jitterMs: 0, lossRate: 0 };
/** What Linux waits at least before it sends a segment again; doubled each time. */
const RETRANSMISSION_MS = 200;

/** How one direction of a link is at the moment; all its connections share it. */
class Conditions implements PipeConditions {
  held = false;
  readonly dropping = false;
  weather = FAIR;

  /** Drawn anew for every segment; a late one holds up those behind it. */
  get delayMs(): number {
    const { delayMs, jitterMs, lossRate } = this.weather;
    let total = delayMs + Math.random() * jitterMs;
    for (
      let pauseMs = RETRANSMISSION_MS;
      Math.random() < lossRate;
      pauseMs *= 2
    ) {
      total += pauseMs;
    }
    return total;
  }
}

interface LinkConnection {
  readonly client: Socket;
  readonly server: Socket;
  readonly toServer: ProxyPipe;
  readonly toClient: ProxyPipe;
  cut(): void;
}

/**
 * A network cable with whatever protocol on it: it can be cut in both directions
 * or one, slow or lossy, and be reset in the middle of a packet.
 *
 * Cut means that bytes do not arrive until it is mended, as TCP would have it:
 * neither side is told, and what was sent is sent again later.
 */
export class Link {
  static async open(targetPort: number): Promise<Link> {
    const link = new Link(targetPort, await freePort());
    await once(link.#listener.listen(link.port, '127.0.0.1'), 'listening');
    return link;
  }

  /** The last session that was granted over this link. */
  granted: (GrantedSession & { readonly atMs: number }) | undefined;
  /** All sessions that were granted over this link. */
  readonly sessions = new Set<string>();
  /** Changes the first bytes that a client sends. */
  rewriteGreeting: ((bytes: Buffer) => Buffer) | undefined;
  readonly #toServer = new Conditions();
  readonly #toClient = new Conditions();
  readonly #connections = new Set<LinkConnection>();
  readonly #listener: Server;

  private constructor(
    readonly targetPort: number,
    readonly port: number,
  ) {
    this.#listener = createServer({ allowHalfOpen: true }, (client) =>
      this.#connect(client),
    );
    this.#listener.unref();
  }

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

  /** Undoes all of the above. */
  mend(): void {
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

  /** Resets all connections. */
  reset(): void {
    for (const connection of this.#connections) {
      connection.cut();
    }
  }

  /** Resets all connections once that many more bytes have passed. */
  resetAfter(bytes: number, direction: 'requests' | 'replies'): void {
    for (const { toServer, toClient } of this.#connections) {
      const pipe = direction === 'requests' ? toServer : toClient;
      pipe.bytesLeft = bytes;
    }
  }

  close(): void {
    this.#listener.close();
    this.reset();
  }

  #conditions(direction: LinkDirection): Conditions[] {
    return [
      ...(direction === 'replies' ? [] : [this.#toServer]),
      ...(direction === 'requests' ? [] : [this.#toClient]),
    ];
  }

  #connect(client: Socket): void {
    const server = connect({
      port: this.targetPort,
      host: '127.0.0.1',
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
    const connection: LinkConnection = {
      client,
      server,
      toServer: new ProxyPipe(server, this.#toServer, cut),
      toClient: new ProxyPipe(client, this.#toClient, cut),
      cut,
    };
    this.#connections.add(connection);
    this.#forward(connection, client, connection.toServer, this.#toServer);
    this.#forward(connection, server, connection.toClient, this.#toClient);
    client.once('data', () => {
      server.once('data', (bytes: Buffer) => {
        // A server that answers late grants a session that nobody will use.
        if (!client.readableEnded && !client.destroyed) {
          this.#observeGreeting(bytes);
        }
      });
    });
  }

  #forward(
    connection: LinkConnection,
    source: Socket,
    pipe: ProxyPipe,
    conditions: Conditions,
  ): void {
    let isFirst = source === connection.client;
    source.setNoDelay();
    source.on('data', (bytes: Buffer) => {
      pipe.push(isFirst ? (this.rewriteGreeting?.(bytes) ?? bytes) : bytes);
      isFirst = false;
    });
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

  /** A ConnectResponse: length, version, timeout, session, password. */
  #observeGreeting(bytes: Buffer): void {
    const isGrant =
      bytes.length >= 40 &&
      bytes.readInt32BE(4) === 0 &&
      bytes.readInt32BE(8) > 0 &&
      bytes.readInt32BE(20) === 16;
    if (isGrant) {
      this.granted = {
        sessionId: bytes.readBigUInt64BE(12).toString(16),
        password: Buffer.from(bytes.subarray(24, 40)),
        atMs: performance.now(),
      };
      this.sessions.add(this.granted.sessionId);
    }
  }
}
