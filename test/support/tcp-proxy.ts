import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../../scripts/zookeeper/free-port.mjs';
import type { Frame } from './frame-decoder.js';
import { HeldReply } from './held-reply.js';
import { ProxyConnection } from './proxy-connection.js';
import type { PipeConditions } from './proxy-pipe.js';
import { secureConnections } from './secure-connections.js';

/** Seen from the client. */
export type ProxyDirection = 'requests' | 'replies' | 'both';

export interface TcpProxyOptions {
  targetPort: number;
  /** Passes TLS on, which it cannot read. */
  isBlind?: boolean;
}

const UNDISTURBED: PipeConditions = {
  held: false,
  dropping: false,
  delayMs: 0,
};

/**
 * A network between a client and a ZooKeeper server that a test can disturb, and
 * that writes down what the client asked and was told.
 *
 * Conditions hold for open and for later connections, until they are changed.
 */
export class TcpProxy {
  static async start(options: TcpProxyOptions): Promise<TcpProxy> {
    const proxy = new TcpProxy(
      options.targetPort,
      await freePort(),
      options.isBlind ? undefined : secureConnections?.certificate,
    );
    await proxy.accept();
    return proxy;
  }

  readonly connectionString: string;
  /** All packets so far, of all connections, in the order of arrival. */
  readonly frames: Frame[] = [];

  private readonly toServer = { ...UNDISTURBED };
  private readonly toClient = { ...UNDISTURBED };
  private readonly connections = new Set<ProxyConnection>();
  private readonly heldReplies = new Set<HeldReply>();
  private heldRequests: {
    readonly opcode: string;
    readonly path: string;
    readonly sent: (release: () => void) => void;
  }[] = [];
  private connectionCount = 0;
  private listener: Server | undefined;

  private constructor(
    private readonly targetPort: number,
    readonly port: number,
    private readonly certificate: ProxyConnection['options']['certificate'],
  ) {
    this.connectionString = `127.0.0.1:${port}`;
  }

  /** Connections that are open now. */
  get openConnections(): number {
    return this.connections.size;
  }

  /** The recorded requests, of one operation or of all but pings. */
  requests(opcode?: string): Frame[] {
    return this.recorded('request', opcode);
  }

  /** The recorded replies, of one operation or of all but pings. */
  replies(opcode?: string): Frame[] {
    return this.recorded('reply', opcode);
  }

  /** The recorded watch events. */
  events(): Frame[] {
    return this.recorded('event');
  }

  /**
   * The session that a client was granted last, or the one of that number: all
   * that takes to expire it.
   */
  lastSession(number?: string): { sessionId: string; password: Buffer } {
    const { sessionId, password } =
      this.replies('connect').findLast(
        (reply) => number === undefined || reply.sessionId === number,
      ) ?? {};
    if (sessionId === undefined || password === undefined) {
      throw new Error('No such session has been opened through the proxy.');
    }
    return { sessionId, password };
  }

  forgetFrames(): void {
    this.frames.length = 0;
  }

  /** Keeps bytes back; release() lets them go on, in order. */
  hold(direction: ProxyDirection = 'both'): void {
    this.change(direction, { held: true });
  }

  release(direction: ProxyDirection = 'both'): void {
    this.change(direction, { held: false });
  }

  /** Loses bytes silently: a black hole, until heal(). */
  drop(direction: ProxyDirection = 'both'): void {
    this.change(direction, { dropping: true });
  }

  /** Delays all bytes by this time; in one direction, or in each. */
  delay(delayMs: number, direction: ProxyDirection = 'both'): void {
    this.change(direction, { delayMs });
  }

  /** Ends hold(), drop(), delay() and refuse(). Lost bytes stay lost. */
  async heal(): Promise<void> {
    this.change('both', UNDISTURBED);
    await this.accept();
  }

  /** Resets all open connections. */
  cut(): void {
    for (const connection of this.connections) {
      connection.cut();
    }
  }

  /**
   * Resets each open connection as soon as it has passed on that many more bytes,
   * if need be in the middle of a packet.
   */
  cutAfter(bytes: number, direction: 'requests' | 'replies'): void {
    for (const connection of this.connections) {
      const { toServer, toClient } = connection;
      (direction === 'requests' ? toServer : toClient).bytesLeft = bytes;
    }
  }

  /** Refuses new connections; open ones stay. */
  refuse(): void {
    this.listener?.close();
    this.listener = undefined;
  }

  /** Accepts new connections again. */
  async accept(): Promise<void> {
    if (!this.listener) {
      const listener = createServer({ allowHalfOpen: true }, (client) =>
        this.connect(client),
      );
      this.listener = listener.listen(this.port, '127.0.0.1');
      await once(listener, 'listening');
    }
  }

  /**
   * Holds back the reply to the next request of an operation, and everything that
   * follows it on that connection. The operation itself is done. To lose the
   * reply, await `arrived`, then cut().
   */
  holdReplyOf(opcode: string, path?: string): HeldReply {
    const held: HeldReply = new HeldReply(opcode, path, () =>
      this.heldReplies.delete(held),
    );
    this.heldReplies.add(held);
    return held;
  }

  /**
   * Keeps the next request of an operation from the server, and everything that
   * follows it on that connection. Resolves, when the client has sent it, to what
   * lets it go on. To lose the request, cut() then.
   */
  holdRequestOf(opcode: string, path: string): Promise<() => void> {
    return new Promise((sent) => {
      this.heldRequests.push({ opcode, path, sent });
    });
  }

  /** Ends everything. May be called again. */
  close(): void {
    this.refuse();
    this.cut();
  }

  private connect(client: Socket): void {
    const connection = new ProxyConnection({
      id: ++this.connectionCount,
      client,
      certificate: this.certificate,
      targetPort: this.targetPort,
      toServer: this.toServer,
      toClient: this.toClient,
      onFrame: (frame, of) => {
        this.frames.push(frame);
        for (const held of this.heldReplies) {
          held.observe(frame, of);
        }
        this.holdRequest(frame, of);
      },
      onClose: () => this.connections.delete(connection),
    });
    this.connections.add(connection);
  }

  private holdRequest(frame: Frame, connection: ProxyConnection): void {
    const isHeld = ({ opcode, path }: { opcode: string; path: string }) =>
      frame.kind === 'request' &&
      frame.opcode === opcode &&
      frame.path === path;
    const held = this.heldRequests.filter(isHeld);
    if (held.length > 0) {
      connection.toServer.holdNext();
      this.heldRequests = this.heldRequests.filter((each) => !isHeld(each));
      held.forEach(({ sent }) =>
        sent(() => connection.toServer.lift('deliver')),
      );
    }
  }

  private change(
    direction: ProxyDirection,
    change: Partial<PipeConditions>,
  ): void {
    if (direction !== 'replies') {
      Object.assign(this.toServer, change);
    }
    if (direction !== 'requests') {
      Object.assign(this.toClient, change);
    }
    for (const { toServer, toClient } of this.connections) {
      toServer.flush();
      toClient.flush();
    }
  }

  private recorded(kind: Frame['kind'], opcode?: string): Frame[] {
    return this.frames.filter(
      (frame) =>
        frame.kind === kind &&
        (opcode ? frame.opcode === opcode : frame.opcode !== 'ping'),
    );
  }
}
