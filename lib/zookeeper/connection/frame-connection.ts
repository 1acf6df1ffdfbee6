import { Socket, connect, isIP } from 'node:net';
import { FrameSplitter } from '../codec/frame-splitter.js';
import type { JuteReader } from '../codec/jute-reader.js';
import { JuteWriter } from '../codec/jute-writer.js';
import type { TlsParameters } from './tls-options.interface.js';

/** One address of one server. */
export interface ServerEndpoint {
  /** As the user named it: what a certificate has to be made out to. */
  readonly host: string;
  /** An IP address of it. */
  readonly address: string;
  readonly port: number;
}

export interface FrameConnectionEvents {
  /** Frames can be written. */
  onOpen(): void;
  /** It is over, and was not ended by us. Called once, and later. */
  onEnd(error: Error): void;
}

/**
 * Above the longest answer that a server with default settings gives. A list of
 * 100,000 participants has some 8 MiB.
 */
const LONGEST_FRAME_BYTES = 16 * 1024 * 1024;
const READ_BUFFER_BYTES = 64 * 1024;

/**
 * A TCP or TLS connection that carries frames. Everything that is written in
 * one turn of the event loop leaves in one piece.
 */
export class FrameConnection {
  readonly endpoint: ServerEndpoint;
  /** What is written here leaves with the next {@link flush}. */
  readonly writer = new JuteWriter();
  /** Gets each frame; the reader is valid during the call. */
  onFrame: (reader: JuteReader) => void;
  readonly #events: FrameConnectionEvents;
  readonly #socket: Socket;
  readonly #isEncrypted: boolean;
  readonly #splitter: FrameSplitter;
  #isOpen = false;
  #isOver = false;

  constructor(
    endpoint: ServerEndpoint,
    tls: TlsParameters | undefined,
    onFrame: (reader: JuteReader) => void,
    events: FrameConnectionEvents,
  ) {
    this.endpoint = endpoint;
    this.onFrame = onFrame;
    this.#events = events;
    this.#isEncrypted = tls !== undefined;
    this.#splitter = new FrameSplitter(LONGEST_FRAME_BYTES, (reader) =>
      this.onFrame(reader),
    );
    this.#socket = this.#connect(tls);
    this.#listen();
  }

  /** Sends what has been written. */
  flush(): void {
    const { writer } = this;
    if (this.#isOver || !this.#isOpen || writer.length === 0) {
      return;
    }
    this.#socket.write(writer.bytes);
    // A buffer that the system has not taken over completely is still needed.
    if (this.#isEncrypted || this.#socket.writableLength > 0) {
      writer.give();
    } else {
      writer.clear();
    }
  }

  /** Drops the connection; nothing is reported any more. */
  destroy(): void {
    this.#isOver = true;
    this.#splitter.stop();
    this.#socket.destroy();
  }

  /** Drops the connection and reports its end. */
  fail(error: Error): void {
    if (!this.#isOver) {
      this.destroy();
      this.#events.onEnd(error);
    }
  }

  #connect(tls: TlsParameters | undefined): Socket {
    const { host, address, port } = this.endpoint;
    const options = {
      host: address,
      port,
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES),
        callback: (length: number, buffer: Uint8Array): boolean => {
          this.#receive(buffer as Buffer, length);
          return true;
        },
      },
    };
    try {
      if (!tls) {
        return connect({ ...options, noDelay: true });
      }
      // Loaded when it is used: a process without TLS does not pay for it.
      const { connect: connectTls } = process.getBuiltinModule('node:tls');
      return connectTls({
        ...options,
        // A server name must not be an IP address, nor end with a dot.
        ...(isIP(host) ? {} : { servername: host.replace(/\.$/, '') }),
        ...tls,
      }).setNoDelay(true);
    } catch (error) {
      // Keys and certificates that cannot be read: reported as its end.
      const { message } = error as Error;
      return new Socket().destroy(
        tls ? new TlsOptionsError(message) : new Error(message),
      );
    }
  }

  #listen(): void {
    let problem: Error | undefined;
    this.#socket
      .once(this.#isEncrypted ? 'secureConnect' : 'connect', () => {
        if (this.#isOver) {
          return;
        }
        this.#isOpen = true;
        try {
          this.#events.onOpen();
        } catch (error) {
          this.fail(error as Error);
        }
      })
      .on('error', (error) => {
        problem = error;
      })
      .on('end', () => this.#socket.destroy())
      .on('close', () => this.fail(problem ?? new HungUpError()));
  }

  #receive(buffer: Buffer, length: number): void {
    if (this.#isOver) {
      return;
    }
    try {
      this.#splitter.push(buffer.subarray(0, length));
    } catch (error) {
      this.fail(error as Error);
    }
  }
}

/** TLS cannot even begin with what it was given. */
export class TlsOptionsError extends Error {
  override readonly name = 'TlsOptionsError';
}

/** The other end has closed the connection without an error. */
export class HungUpError extends Error {
  override readonly name = 'HungUpError';

  constructor() {
    super('the server closed the connection');
  }
}
