import { connect, type Socket } from 'node:net';
// Not the global ones, which jest may have faked.
import {
  clearInterval,
  clearTimeout,
  setInterval,
  setTimeout,
} from 'node:timers';
import { FrameSplitter } from './frame-splitter.js';
import { JuteReader, JuteWriter } from './jute.js';
import {
  errorName,
  type Opcode,
  OPCODES,
  XID_PING,
  XID_WATCH_EVENT,
} from './protocol.js';
import { unless, WireError } from './wire-error.js';

export interface WireSessionOptions {
  port: number;
  host?: string;
  /** Session timeout to ask for; default 10 s. */
  timeoutMs?: number;
  /** Takes an existing session over, together with its password. */
  sessionId?: string;
  password?: Buffer;
}

const REQUEST_TIMEOUT_MS = 10_000;

interface Pending {
  what: string;
  resolve: (reply: JuteReader) => void;
  reject: (error: WireError) => void;
}

/**
 * A session on one connection, which is never replaced: requests and replies,
 * and pings that keep it alive.
 */
export class WireSession {
  /** In hexadecimal, as in `ephemeralOwner`. */
  id = '0';
  password: Buffer = Buffer.alloc(16);
  /** As granted by the server. */
  timeoutMs = 0;

  private readonly splitter = new FrameSplitter();
  private readonly pending = new Map<number, Pending>();
  private readonly closed: Promise<void>;
  private lastXid = 0;
  private pings: NodeJS.Timeout | undefined;

  /** Rejects with SESSION_EXPIRED when there is no such session to take over. */
  static async open(options: WireSessionOptions): Promise<WireSession> {
    const { port, host = '127.0.0.1' } = options;
    const session = new WireSession(connect({ port, host }));
    try {
      await session.open(options);
    } catch (error) {
      session.destroy();
      throw error;
    }
    return session;
  }

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay();
    socket.on('data', (chunk) => {
      for (const frame of this.splitter.push(chunk)) {
        this.receive(frame.subarray(4));
      }
    });
    socket.on('error', () => {
      // 'close' follows, and deals with it.
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        clearInterval(this.pings);
        this.rejectAll();
        resolve();
      });
    });
  }

  request(
    opcode: Opcode,
    body: JuteWriter,
    what: string,
    xid = ++this.lastXid,
  ): Promise<JuteReader> {
    const packet = new JuteWriter().int(xid).int(OPCODES[opcode]);
    return this.send(xid, packet.append(body), `${opcode} ${what}`);
  }

  /** Ends the session: its ephemeral nodes are gone when this returns. */
  async close(): Promise<void> {
    try {
      const gone = this.request('closeSession', new JuteWriter(), this.id);
      // The server may hang up before or after its reply.
      await gone.catch(unless('CONNECTION_LOSS'));
    } finally {
      this.destroy();
      await this.closed;
    }
  }

  /** Drops the connection; the session lives until it times out. */
  destroy(): void {
    this.socket.destroy();
  }

  private async open(options: WireSessionOptions): Promise<void> {
    const { sessionId = '0', password = this.password } = options;
    const request = new JuteWriter()
      .int(0)
      .long(0n)
      .int(options.timeoutMs ?? 10_000)
      .long(BigInt(`0x${sessionId}`))
      .buffer(password)
      .bool(false);
    // The one exchange without headers; it is kept as if it had xid 0.
    const reply = await this.send(0, request, 'the session');
    reply.int();
    this.timeoutMs = reply.int();
    this.id = reply.hex();
    this.password = Buffer.from(reply.buffer());
    if (this.timeoutMs <= 0) {
      throw new WireError('SESSION_EXPIRED', sessionId);
    }
    this.pings = setInterval(() => {
      this.socket.write(
        new JuteWriter().int(XID_PING).int(OPCODES.ping).frame(),
      );
    }, this.timeoutMs / 3).unref();
  }

  private send(
    xid: number,
    packet: JuteWriter,
    what: string,
  ): Promise<JuteReader> {
    return new Promise<JuteReader>((resolve, reject) => {
      if (this.socket.destroyed) {
        reject(new WireError('CONNECTION_LOSS', what));
        return;
      }
      const timer = setTimeout(() => {
        this.pending.delete(xid);
        reject(new WireError('OPERATION_TIMEOUT', what));
      }, REQUEST_TIMEOUT_MS);
      this.pending.set(xid, {
        what,
        resolve: (reply) => {
          clearTimeout(timer);
          resolve(reply);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.socket.write(packet.frame());
    });
  }

  private receive(packet: Buffer): void {
    const reply = new JuteReader(packet);
    const opening = this.timeoutMs === 0;
    const xid = opening ? 0 : reply.int();
    if (xid === XID_PING || xid === XID_WATCH_EVENT) {
      return;
    }
    const pending = this.pending.get(xid);
    this.pending.delete(xid);
    if (opening) {
      pending?.resolve(reply);
      return;
    }
    reply.long();
    const error = reply.int();
    if (error === 0) {
      pending?.resolve(reply);
    } else {
      pending?.reject(new WireError(errorName(error), pending.what));
    }
  }

  private rejectAll(): void {
    for (const { reject, what } of this.pending.values()) {
      reject(new WireError('CONNECTION_LOSS', what));
    }
    this.pending.clear();
  }
}
