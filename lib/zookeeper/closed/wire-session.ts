import { connect, type Socket } from 'node:net';
import { errorOfCode } from '../result-codes.js';
import { ZookeeperError } from '../zookeeper.error.js';
import { JuteReader, JuteWriter } from './jute.js';

/** Numbers of ZooKeeper's wire protocol. */
const OPCODES = {
  create: 1,
  getACL: 6,
  setACL: 7,
  createContainer: 19,
  auth: 100,
  closeSession: -11,
} as const;

export type WireOperation = keyof typeof OPCODES;

const XID_CONNECT = 0;
const XID_AUTH = -4;

/** Nothing that is asked for here has a longer answer. */
const LONGEST_FRAME_BYTES = 1_000_000;
const SESSION_TIMEOUT_MS = 10_000;

export interface WireSessionOptions {
  readonly host: string;
  readonly port: number;
  /** Digest credentials, `user:password`. */
  readonly digest: string;
  /** How long an answer is waited for. */
  readonly timeoutMs: number;
}

interface Pending {
  readonly operation: string;
  readonly path: string;
  resolve(reply: JuteReader): void;
  reject(error: Error): void;
}

/**
 * A ZooKeeper session for a few requests within a few seconds, on one
 * connection that is never replaced and sends no heartbeats. It exists because
 * the native client can only create nodes that are open to everybody.
 */
export class WireSession {
  readonly #socket: Socket;
  readonly #options: WireSessionOptions;
  readonly #pending = new Map<number, Pending>();
  #received = Buffer.alloc(0);
  #lastXid = 0;

  /** Connects and authenticates. */
  static async open(options: WireSessionOptions): Promise<WireSession> {
    const session = new WireSession(options);
    try {
      await session.#open();
    } catch (error) {
      session.destroy();
      throw error;
    }
    return session;
  }

  private constructor(options: WireSessionOptions) {
    this.#options = options;
    const { host, port, timeoutMs } = options;
    this.#socket = connect({ host, port, noDelay: true })
      .setTimeout(timeoutMs)
      .on('timeout', () => this.#fail('TIMEOUT', 'did not answer in time'))
      .on('data', (chunk) => this.#receive(chunk))
      .on('error', () => undefined)
      .on('close', () =>
        this.#fail('CONNECTION_LOSS', 'has closed the connection'),
      );
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** Sends a request and resolves to the body of its answer. */
  request(
    operation: WireOperation,
    path: string,
    body: JuteWriter,
  ): Promise<JuteReader> {
    return this.#send(operation, path, ++this.#lastXid, body);
  }

  /** Ends the session. Never rejects. */
  async close(): Promise<void> {
    // The server may hang up before its answer is here.
    await this.request('closeSession', '/', new JuteWriter()).catch(
      () => undefined,
    );
    this.destroy();
  }

  /** Drops the connection. */
  destroy(): void {
    this.#socket.destroy();
  }

  async #open(): Promise<void> {
    const handshake = new JuteWriter()
      .int(0)
      .long(0n)
      .int(SESSION_TIMEOUT_MS)
      .long(0n)
      .buffer(Buffer.alloc(16));
    const credentials = new JuteWriter()
      .int(0)
      .string('digest')
      .string(this.#options.digest);
    await Promise.all([
      this.#post('connect', '/', XID_CONNECT, handshake),
      this.#send('auth', '/', XID_AUTH, credentials),
    ]);
  }

  #send(
    operation: WireOperation,
    path: string,
    xid: number,
    body: JuteWriter,
  ): Promise<JuteReader> {
    const packet = new JuteWriter().int(xid).int(OPCODES[operation]);
    return this.#post(operation, path, xid, packet.append(body));
  }

  #post(
    operation: string,
    path: string,
    xid: number,
    packet: JuteWriter,
  ): Promise<JuteReader> {
    return new Promise((resolve, reject) => {
      const pending = { operation, path, resolve, reject };
      if (this.isOpen) {
        this.#pending.set(xid, pending);
        this.#socket.write(packet.frame());
      } else {
        reject(failure('CONNECTION_LOSS', pending, 'has gone'));
      }
    });
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    try {
      while (this.#received.length >= 4) {
        const length = this.#received.readInt32BE();
        if (length < 0 || length > LONGEST_FRAME_BYTES) {
          throw new RangeError(`a message of ${length} bytes`);
        }
        if (this.#received.length < length + 4) {
          return;
        }
        const frame = this.#received.subarray(4, length + 4);
        this.#received = this.#received.subarray(length + 4);
        this.#settle(new JuteReader(frame));
      }
    } catch {
      this.#fail('CONNECTION_LOSS', 'does not speak its protocol');
    }
  }

  #settle(reply: JuteReader): void {
    // The first answer is the only one without a header.
    const handshake = this.#pending.get(XID_CONNECT);
    if (handshake) {
      this.#pending.delete(XID_CONNECT);
      handshake.resolve(reply);
      return;
    }
    const xid = reply.int();
    reply.long();
    const code = reply.int();
    const pending = this.#pending.get(xid);
    this.#pending.delete(xid);
    if (code === 0) {
      pending?.resolve(reply);
    } else {
      pending?.reject(errorOfCode(code, pending.operation, pending.path));
    }
  }

  #fail(code: 'TIMEOUT' | 'CONNECTION_LOSS', why: string): void {
    this.#socket.destroy();
    for (const pending of this.#pending.values()) {
      pending.reject(failure(code, pending, why));
    }
    this.#pending.clear();
  }
}

function failure(
  code: 'TIMEOUT' | 'CONNECTION_LOSS',
  { operation, path }: { operation: string; path: string },
  why: string,
): ZookeeperError {
  return new ZookeeperError(
    code,
    `${operation} ${path}: the ZooKeeper server ${why}`,
    path,
  );
}
