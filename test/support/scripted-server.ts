import { once } from 'node:events';
import {
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import {
  connectReply,
  connectRequest,
  type ConnectReply,
  type ConnectRequest,
} from '../../lib/zookeeper/codec/connect.record.js';
import { FrameSplitter } from '../../lib/zookeeper/codec/frame-splitter.js';
import type { JuteReader } from '../../lib/zookeeper/codec/jute-reader.js';
import { JuteWriter } from '../../lib/zookeeper/codec/jute-writer.js';
import type { Stat } from '../../lib/zookeeper/codec/stat.record.js';

const LONGEST_FRAME = 4 * 1024 * 1024;

export interface ScriptedRequest {
  readonly xid: number;
  readonly opcode: number;
  readonly body: JuteReader;
}

/** One connection of a client, seen from the server. */
export class ScriptedConnection {
  constructor(
    readonly socket: Socket,
    private readonly pieceBytes: number | undefined,
  ) {}

  /** Sends a frame. */
  send(write: (writer: JuteWriter) => void): void {
    const writer = new JuteWriter().begin();
    write(writer);
    const bytes = writer.end().give();
    const step = this.pieceBytes ?? bytes.length;
    for (let at = 0; at < bytes.length; at += step) {
      this.socket.write(bytes.subarray(at, at + step));
    }
  }

  /** Sends the answer to a request. */
  reply(
    xid: number,
    zxid: number,
    code = 0,
    write: (writer: JuteWriter) => void = () => undefined,
  ): void {
    this.send((writer) => {
      writer.int(xid).long(zxid).int(code);
      write(writer);
    });
  }

  cut(): void {
    this.socket.resetAndDestroy();
  }
}

export interface Script {
  /** The answer to a connect request; undefined: none. */
  connect(request: ConnectRequest): ConnectReply | undefined;
  /** Pings and closeSession are answered without a script. */
  request?(request: ScriptedRequest, connection: ScriptedConnection): void;
}

const XID_PING = -2;
const OPCODE_CLOSE = -11;

/** A server that says what a test wants it to, in ZooKeeper's protocol. */
export class ScriptedServer {
  static async start(
    script: Script,
    options: { pieceBytes?: number; tls?: TlsOptions } = {},
  ): Promise<ScriptedServer> {
    const server = new ScriptedServer(script, options.pieceBytes, options.tls);
    await once(server.#listener.listen(0, '127.0.0.1'), 'listening');
    return server;
  }

  /** All connect requests so far. */
  readonly connects: ConnectRequest[] = [];
  /** Connections that are open. */
  readonly connections = new Set<ScriptedConnection>();
  pings = 0;
  /** False: no answer to a ping. */
  answersPings = true;

  readonly #script: Script;
  readonly #pieceBytes: number | undefined;
  readonly #listener: Server;

  private constructor(
    script: Script,
    pieceBytes: number | undefined,
    tls: TlsOptions | undefined,
  ) {
    this.#script = script;
    this.#pieceBytes = pieceBytes;
    const accept = (socket: Socket): void => this.#accept(socket);
    this.#listener = tls ? createTlsServer(tls, accept) : createServer(accept);
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  close(): void {
    this.#listener.close();
    for (const { socket } of this.connections) {
      socket.destroy();
    }
  }

  #accept(socket: Socket): void {
    const connection = new ScriptedConnection(socket, this.#pieceBytes);
    this.connections.add(connection);
    let isConnected = false;
    const splitter = new FrameSplitter(LONGEST_FRAME, (reader) => {
      if (isConnected) {
        this.#serve(reader, connection);
      } else {
        isConnected = true;
        const request = connectRequest.read(reader);
        this.connects.push(request);
        const answer = this.#script.connect(request);
        if (answer) {
          connection.send((writer) => connectReply.write(writer, answer));
        }
      }
    });
    socket
      .setNoDelay()
      .on('data', (bytes) => splitter.push(bytes))
      .on('error', () => undefined)
      .on('close', () => this.connections.delete(connection));
  }

  #serve(body: JuteReader, connection: ScriptedConnection): void {
    const xid = body.int();
    const opcode = body.int();
    if (xid === XID_PING) {
      this.pings += 1;
      if (this.answersPings) {
        connection.reply(XID_PING, 0);
      }
    } else if (opcode === OPCODE_CLOSE) {
      connection.reply(xid, 0);
      connection.socket.end();
    } else {
      this.#script.request?.({ xid, opcode, body }, connection);
    }
  }
}

/** The same session for everybody. */
export function grant(changes: Partial<ConnectReply> = {}): ConnectReply {
  return {
    protocolVersion: 0,
    sessionTimeoutMs: 2_000,
    sessionId: 'abc123',
    password: Buffer.alloc(16, 7),
    isReadOnly: false,
    ...changes,
  };
}

/** The status of a node, for answers of which nobody looks at it. */
export const NO_STAT: Stat = {
  czxid: 1,
  mzxid: 1,
  pzxid: 1,
  createdAtMs: 0,
  modifiedAtMs: 0,
  version: 0,
  childVersion: 0,
  aclVersion: 0,
  ephemeralOwner: '0',
  dataLength: 0,
  numChildren: 0,
};
