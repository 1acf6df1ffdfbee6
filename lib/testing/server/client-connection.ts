import type { Socket } from 'node:net';
import { PERMISSIONS, type Acl } from '../../zookeeper/codec/acl.record.js';
import { authRequest, saslToken } from '../../zookeeper/codec/auth.records.js';
import {
  connectReply,
  connectRequest,
} from '../../zookeeper/codec/connect.record.js';
import { FrameSplitter } from '../../zookeeper/codec/frame-splitter.js';
import type { JuteReader } from '../../zookeeper/codec/jute-reader.js';
import { JuteWriter } from '../../zookeeper/codec/jute-writer.js';
import { OPCODES } from '../../zookeeper/codec/opcodes.js';
import { RESULT_CODES } from '../../zookeeper/codec/result-codes.js';
import { watcherEvent } from '../../zookeeper/codec/watch.records.js';
import { XIDS } from '../../zookeeper/codec/xids.js';
import { Identities, permits } from './access.js';
import type { Answer } from './answer.js';
import type { Peer } from './reads.js';
import { clearTimeout, monotonicMs, setTimeout } from './real-time.js';
import {
  replyHeader,
  requestHeader,
  STATE_CONNECTED,
} from './server.records.js';
import type { WatchNotice } from './watch-table.js';

const NO_SESSION_YET = '';
const FOUR_LETTERS = 4;

/** The server, as a connection sees it. */
export interface ConnectionHost {
  readonly longestFrameBytes: number;
  readonly eventsCarryZxid: boolean;
  /** How long every answer and event is held back. */
  readonly delayMs: number;
  readonly isPaused: boolean;
  /** Answers the first message; undefined: it hangs up. */
  admit(
    request: ReturnType<typeof connectRequest.read>,
    connection: ClientConnection,
  ): ReturnType<typeof connectReply.read> | undefined;
  /** Answers a request; undefined: there is no answer. */
  answer(
    connection: ClientConnection,
    opcode: number,
    reader: JuteReader,
  ): Answer | undefined;
  /** Answers a four-letter word; undefined: it is none. */
  command(word: string): string | undefined;
  /** Sends what there is to send, to all whom it concerns. */
  flush(): void;
  ended(connection: ClientConnection): void;
}

/** One connection of a client: frames in, answers and events out, in order. */
export class ClientConnection implements Peer {
  readonly identities: Identities;
  /** In hexadecimal; empty until the first message has been answered. */
  session = NO_SESSION_YET;
  /** The session timeout that has been granted. */
  timeoutMs = 0;
  received = 0;
  sent = 0;
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #splitter: FrameSplitter;
  readonly #writer = new JuteWriter();
  /** What is held back, in order. */
  readonly #late: { readonly dueMs: number; readonly write: () => void }[] = [];
  #lateTimer: NodeJS.Timeout | undefined;
  #isBeginning = true;
  #isAdmitted = false;
  /** The last answer has been given. */
  #isEnding = false;
  /** And written. */
  #isEnded = false;

  constructor(socket: Socket, host: ConnectionHost) {
    this.#socket = socket;
    this.#host = host;
    this.identities = new Identities(
      (socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
    );
    this.#splitter = new FrameSplitter(host.longestFrameBytes, (reader) =>
      this.#receive(reader),
    );
    socket.setNoDelay();
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => undefined);
    socket.on('end', () => host.ended(this));
    socket.on('close', () => {
      this.#clear();
      host.ended(this);
    });
  }

  get remotePort(): number {
    return this.#socket.remotePort ?? 0;
  }

  notify({ type, path, zxid }: WatchNotice, acl?: Acl): void {
    // A client that may not read a node gets no event about it either.
    const isHidden = acl && !permits(acl, PERMISSIONS.read, this.identities);
    if (!isHidden) {
      const { eventsCarryZxid } = this.#host;
      this.#send(XIDS.event, eventsCarryZxid ? zxid : -1, 0, (writer) =>
        watcherEvent.write(writer, { type, state: STATE_CONNECTED, path }),
      );
    }
  }

  /** Writes what has been answered since the last time. */
  flush(): void {
    if (this.#host.isPaused) {
      return;
    }
    const isLast = this.#isEnding && !this.#isEnded;
    this.#isEnded = this.#isEnding;
    if (this.#writer.length > 0 || isLast) {
      const bytes = this.#writer.give();
      this.#later(() => {
        this.#socket.write(bytes);
        if (isLast) {
          this.#socket.end();
          this.#socket.destroySoon();
        }
      });
    }
  }

  /** Cuts the connection, and forgets what has not been written. */
  destroy(): void {
    this.#clear();
    this.#splitter.stop();
    this.#socket.destroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
    this.flush();
  }

  #read(chunk: Buffer): void {
    if (this.#isBeginning && chunk.length >= FOUR_LETTERS) {
      this.#isBeginning = false;
      const word = chunk.toString('latin1', 0, FOUR_LETTERS);
      const text = this.#host.command(word);
      if (text !== undefined) {
        this.#splitter.stop();
        this.#socket.end(text);
        return;
      }
    }
    try {
      this.#splitter.push(chunk);
    } catch (error) {
      // As a real server: it hangs up on what it cannot read.
      if (!(error instanceof RangeError)) {
        throw error;
      }
      this.destroy();
    }
    this.#host.flush();
  }

  #receive(reader: JuteReader): void {
    this.received += 1;
    if (!this.#isAdmitted) {
      this.#begin(reader);
      return;
    }
    const { xid, opcode } = requestHeader.read(reader);
    switch (opcode) {
      case OPCODES.auth:
        this.#authenticate(xid, reader);
        break;
      case OPCODES.sasl:
        // What a server answers that has no SASL configuration.
        this.#send(xid, 0, 0, (writer) =>
          saslToken.write(writer, { token: null }),
        );
        break;
      default:
        this.#answer(xid, opcode, reader);
    }
  }

  #begin(reader: JuteReader): void {
    const request = connectRequest.read(reader);
    const reply = this.#host.admit(request, this);
    if (!reply) {
      this.destroy();
      return;
    }
    this.#isAdmitted = true;
    this.timeoutMs = reply.sessionTimeoutMs;
    this.#writer.begin();
    connectReply.write(this.#writer, reply);
    this.#writer.end();
    this.sent += 1;
    if (this.session === NO_SESSION_YET) {
      this.#end();
    }
  }

  #authenticate(xid: number, reader: JuteReader): void {
    const { scheme, secret } = authRequest.read(reader);
    const isProved = this.identities.authenticate(
      scheme,
      Buffer.from(secret as Uint8Array),
    );
    this.#send(xid, 0, isProved ? RESULT_CODES.ok : RESULT_CODES.authFailed);
    if (!isProved) {
      this.#end();
    }
  }

  #answer(xid: number, opcode: number, reader: JuteReader): void {
    const answer = this.#host.answer(this, opcode, reader);
    if (!answer) {
      return;
    }
    const { code, zxid, body, isLast } = answer;
    this.#send(opcode === OPCODES.ping ? XIDS.ping : xid, zxid, code, body);
    if (isLast) {
      this.#end();
    }
  }

  #send(
    xid: number,
    zxid: number,
    code: number,
    body?: (writer: JuteWriter) => void,
  ): void {
    if (this.#isEnding) {
      return;
    }
    const writer = this.#writer.begin();
    replyHeader.write(writer, { xid, zxid, code });
    body?.(writer);
    writer.end();
    this.sent += 1;
  }

  /** Nothing is read any more; what has been answered is still written. */
  #end(): void {
    this.#isEnding = true;
    this.#splitter.stop();
  }

  #later(write: () => void): void {
    const nowMs = monotonicMs();
    // No answer overtakes one that is held back.
    const lastMs = this.#late.at(-1)?.dueMs ?? nowMs;
    const dueMs = Math.max(nowMs + this.#host.delayMs, lastMs);
    if (dueMs <= nowMs && this.#late.length === 0) {
      write();
      return;
    }
    this.#late.push({ dueMs, write });
    this.#writeLate();
  }

  /** One timer for all: two of them may fire in the wrong order. */
  #writeLate(): void {
    while (this.#late[0] && this.#late[0].dueMs <= monotonicMs()) {
      this.#late.shift()?.write();
    }
    clearTimeout(this.#lateTimer);
    if (this.#late[0]) {
      const ms = Math.ceil(this.#late[0].dueMs - monotonicMs());
      this.#lateTimer = setTimeout(() => this.#writeLate(), ms);
    }
  }

  #clear(): void {
    clearTimeout(this.#lateTimer);
    this.#late.length = 0;
    this.#writer.clear();
  }
}
