// @ts-check
/**
 * A client that does no more than hold one session, over the codec of the
 * build: what a guardian guards can be tried with it, independently of the
 * library's client.
 */
import { EventEmitter } from 'node:events';
import { connect } from 'node:net';

const load = (/** @type {string} */ file) =>
  import(new URL(`../../dist/esm/zookeeper/${file}`, import.meta.url).href);
const { FrameSplitter } = await load('codec/frame-splitter.js');
const { JuteWriter } = await load('codec/jute-writer.js');
const { connectReply, connectRequest } = await load('codec/connect.record.js');
const { replyHeader, requestHeader } = await load(
  '../testing/server/server.records.js',
);
const { OPERATIONS } = await load('codec/operations.js');

const OPEN = [{ permissions: 31, scheme: 'world', id: 'anyone' }];
export const PING = -2;
const RECONNECT_MS = 5;

/** Emits `connected` with whether the session is new, `disconnected`, `expired`. */
export class PlainSession extends EventEmitter {
  id = '0';
  /** @type {Uint8Array} */
  password = Buffer.alloc(16);
  timeoutMs;
  /** What is called before every ping. */
  beforePing = () => {};
  /** @type {import('node:net').Socket | undefined} */
  #socket;
  #xid = 0;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #isOver = false;

  /** @param {{ port: number, timeoutMs: number }} options */
  constructor({ port, timeoutMs }) {
    super();
    this.port = port;
    this.timeoutMs = timeoutMs;
    this.connect();
  }

  /** Connects to `port`, or again to the same one. */
  connect(port = this.port) {
    this.port = port;
    clearTimeout(this.#timer);
    this.#socket?.removeAllListeners('close').destroy();
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    let isConnected = false;
    const splitter = new FrameSplitter(1e6, (/** @type {any} */ reader) => {
      if (!isConnected) {
        isConnected = true;
        const reply = connectReply.read(reader);
        if (reply.sessionTimeoutMs <= 0) {
          this.close();
          this.emit('expired');
          return;
        }
        const isNew = this.id === '0';
        this.id = reply.sessionId;
        this.password = reply.password;
        this.timeoutMs = reply.sessionTimeoutMs;
        this.#timer = setInterval(() => this.ping(), this.timeoutMs / 6);
        this.emit('connected', isNew);
      } else {
        const { xid, code } = replyHeader.read(reader);
        this.emit('reply', xid, code);
      }
    });
    socket.on('connect', () => {
      const writer = new JuteWriter().begin();
      connectRequest.write(writer, {
        protocolVersion: 0,
        lastZxidSeen: 0,
        sessionTimeoutMs: this.timeoutMs,
        sessionId: this.id,
        password: this.password,
        isReadOnlyAllowed: false,
      });
      socket.write(writer.end().give());
    });
    socket.on('data', (chunk) => splitter.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(this.#timer);
      this.emit('disconnected');
      if (!this.#isOver) {
        this.#timer = setTimeout(() => this.connect(), RECONNECT_MS);
      }
    });
  }

  ping() {
    this.beforePing();
    this.#write(PING, OPERATIONS.ping);
  }

  /**
   * @param {string} path
   * @returns {Promise<void>}
   */
  createEphemeral(path) {
    const xid = ++this.#xid;
    this.beforePing();
    this.#write(xid, OPERATIONS.create, {
      path,
      data: Buffer.alloc(0),
      acl: OPEN,
      flags: 1,
    });
    return new Promise((resolve, reject) => {
      this.on('reply', (of, code) => {
        if (of === xid) {
          if (code === 0) resolve();
          else reject(new Error(`create: ${code}`));
        }
      });
    });
  }

  /** Stops for good without a word: the session lives on. */
  close() {
    this.#isOver = true;
    clearInterval(this.#timer);
    clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  /**
   * @param {number} xid
   * @param {any} operation
   * @param {object} [request]
   */
  #write(xid, operation, request) {
    const writer = new JuteWriter().begin();
    requestHeader.write(writer, { xid, opcode: operation.opcode });
    operation.request.write(writer, request);
    this.#socket?.write(writer.end().give());
  }
}
