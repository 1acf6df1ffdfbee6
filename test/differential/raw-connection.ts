import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  connectReply,
  connectRequest,
  type ConnectReply,
} from '../../lib/zookeeper/codec/connect.record.js';
import { FrameSplitter } from '../../lib/zookeeper/codec/frame-splitter.js';
import type { JuteReader } from '../../lib/zookeeper/codec/jute-reader.js';
import { JuteWriter } from '../../lib/zookeeper/codec/jute-writer.js';
import { OPCODES } from '../../lib/zookeeper/codec/opcodes.js';
import { RESULT_CODES } from '../../lib/zookeeper/codec/result-codes.js';
import { watcherEvent } from '../../lib/zookeeper/codec/watch.records.js';
import { XIDS } from '../../lib/zookeeper/codec/xids.js';
import { opcodeOf, readReply, writeRequest, type Op } from './operations.js';
import {
  replyHeader,
  requestHeader,
  type ReplyHeader,
} from '../../lib/testing/server/server.records.js';

const LONGEST_FRAME_BYTES = 4 * 1024 * 1024;
const ANSWER_TIMEOUT_MS = 10_000;
const CLOSE = 'closeSession';

/** What a server has sent, in order. */
export type Received =
  | { readonly kind: 'connected'; readonly reply: ConnectReply }
  | {
      readonly kind: 'reply';
      readonly type: string;
      readonly header: ReplyHeader;
      readonly body: unknown;
      /** Bytes that should not be there. */
      readonly rest: number;
    }
  | {
      readonly kind: 'event';
      readonly header: ReplyHeader;
      readonly event: unknown;
    }
  | { readonly kind: 'closed' };

interface Attachment {
  readonly sessionId: string;
  readonly password: Uint8Array;
}

/** One connection that sends what it is told and keeps all that it is sent. */
export class RawConnection {
  readonly received: Received[] = [];
  /** The last one seen in an answer. */
  zxid = 0;
  isClosed = false;
  reply: ConnectReply | undefined;
  readonly #socket: Socket;
  readonly #splitter: FrameSplitter;
  readonly #outstanding: string[] = [];
  #xid = 0;
  #settle: () => void = () => undefined;

  static async open(
    port: number,
    sessionTimeoutMs: number,
    attach: Attachment = { sessionId: '0', password: Buffer.alloc(16) },
    lastZxidSeen = 0,
  ): Promise<RawConnection> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const connection = new RawConnection(socket);
    const writer = new JuteWriter().begin();
    connectRequest.write(writer, {
      protocolVersion: 0,
      lastZxidSeen,
      sessionTimeoutMs,
      ...attach,
      isReadOnlyAllowed: false,
    });
    connection.#outstanding.push('connect');
    await connection.#exchange(writer.end().give());
    return connection;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#splitter = new FrameSplitter(LONGEST_FRAME_BYTES, (reader) =>
      this.#receive(reader),
    );
    socket.setNoDelay();
    socket.on('data', (chunk) => {
      this.#splitter.push(chunk);
      if (this.#outstanding.length === 0) {
        this.#settle();
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
      this.#settle();
    });
    // The server has hung up.
    socket.on('end', () => this.received.push({ kind: 'closed' }));
  }

  get attachment(): Attachment {
    const { sessionId = '0', password = Buffer.alloc(16) } = this.reply ?? {};
    return { sessionId, password };
  }

  /** Sends requests in one piece; resolves when all are answered. */
  async request(
    ops: readonly Op[],
    at: (path: string) => string,
  ): Promise<void> {
    const writer = new JuteWriter();
    for (const op of ops) {
      const xid = this.#xidOf(op.type);
      requestHeader.write(writer.begin(), { xid, opcode: opcodeOf(op) });
      writeRequest(writer, op, at, this.zxid);
      writer.end();
      this.#outstanding.push(op.type);
    }
    await this.#exchange(writer.give());
  }

  /** Ends the session. */
  async close(): Promise<void> {
    const writer = new JuteWriter().begin();
    requestHeader.write(writer, {
      xid: ++this.#xid,
      opcode: OPCODES.closeSession,
    });
    this.#outstanding.push(CLOSE);
    await this.#exchange(writer.end().give());
    await this.ended();
  }

  /** Ends the connection; resolves when the server has done so, too. */
  async drop(): Promise<void> {
    this.#socket.end();
    await this.ended();
  }

  /** Whether the last answer is one that a server ends the connection after. */
  get isBeingEnded(): boolean {
    const last = this.received.findLast(({ kind }) => kind === 'reply');
    return (
      last?.kind === 'reply' &&
      (last.type === 'unknown' ||
        (last.type === 'auth' && last.header.code !== RESULT_CODES.ok))
    );
  }

  async ended(): Promise<void> {
    if (!this.isClosed) {
      const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
      await once(this.#socket, 'close', { signal });
    }
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #xidOf(type: Op['type']): number {
    switch (type) {
      case 'ping':
        return XIDS.ping;
      case 'auth':
        return XIDS.auth;
      case 'setWatches':
      case 'setWatches2':
        return XIDS.setWatches;
      default:
        return ++this.#xid;
    }
  }

  async #exchange(bytes: Buffer): Promise<void> {
    if (this.isClosed) {
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no answer to ${this.#outstanding.join(', ')}`)),
        ANSWER_TIMEOUT_MS,
      );
      this.#settle = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#socket.write(bytes);
    });
  }

  #receive(reader: JuteReader): void {
    if (!this.reply) {
      this.#outstanding.shift();
      this.reply = connectReply.read(reader);
      this.received.push({ kind: 'connected', reply: this.reply });
      return;
    }
    const header = replyHeader.read(reader);
    if (header.xid === XIDS.event) {
      const event = watcherEvent.read(reader);
      this.received.push({ kind: 'event', header, event });
      return;
    }
    this.zxid = Math.max(this.zxid, header.zxid);
    const type = this.#outstanding.shift() ?? 'nothing';
    const hasBody = header.code === 0 && type !== CLOSE;
    const body = hasBody ? copy(readReply(reader, type as Op['type'])) : null;
    const rest = reader.remaining;
    this.received.push({ kind: 'reply', type, header, body, rest });
  }
}

/** What has been read is a view of a buffer that is used again. */
function copy(value: unknown): unknown {
  return value === undefined
    ? undefined
    : JSON.parse(
        JSON.stringify(value, (_key, each: unknown) => {
          const { type, data } = (each ?? {}) as Record<string, unknown>;
          return type === 'Buffer'
            ? Buffer.from(data as number[]).toString()
            : each;
        }),
      );
}
