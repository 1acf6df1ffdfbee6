import type { AuthRequest } from '../codec/auth.records.js';
import {
  NO_SESSION,
  PASSWORD_BYTES,
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_GO_ELSEWHERE,
  connectReply,
  connectRequest,
} from '../codec/connect.record.js';
import type { JuteReader } from '../codec/jute-reader.js';
import { OPERATIONS, writeRequest } from '../codec/operations.js';
import { RESULT_CODES } from '../codec/result-codes.js';
import { CLOSE_XID, XIDS, Xids } from '../codec/xids.js';
import type { FrameConnection } from '../connection/frame-connection.js';
import type { ZookeeperError } from '../zookeeper.error.js';
import {
  SaslCodeError,
  authRefused,
  elsewhere,
  saslRefused,
} from './auth-messages.js';
import { digestMd5 } from './digest-md5.js';
import { isPortable, type SaslLogin } from './sasl-login.js';

/** What proves that a session is ours. */
export interface SessionKey {
  /** Hexadecimal. */
  readonly id: string;
  readonly password: Uint8Array;
}

/** A session as the server has granted it. */
export interface GrantedSession extends SessionKey {
  readonly sessionTimeoutMs: number;
}

export interface HandshakeOptions {
  /** The session to go on with; undefined: a new one. */
  readonly session?: SessionKey | undefined;
  /** A server that has seen less refuses us. */
  readonly lastZxidSeen: number;
  readonly sessionTimeoutMs: number;
  readonly sasl?: SaslLogin | undefined;
  readonly auth: readonly AuthRequest[];
  /** What follows in the same write: `closeSession` ends the session at once. */
  readonly finish: 'ping' | 'closeSession';
  /** The server knows the session; its identities are still to be proved. */
  readonly onGranted?: (session: GrantedSession) => void;
  /** Whether it is the server's turn from now on, or the login function's. */
  readonly onTurn?: (whose: 'server' | 'login') => void;
  /** The connection can be used; or, after `closeSession`, the session is over. */
  readonly onDone: () => void;
  /**
   * The connection is of no use. `expired`: the server does not know the session
   * (any more). `AUTH_FAILED`: the next connection will not do either.
   */
  readonly onRefused: (why: 'expired' | ZookeeperError) => void;
}

/**
 * The answer to a request without content. That to a connect request is longer, and
 * may come last: a server judges identities at once, and one that demands a login
 * refuses the first request, while the ensemble still makes the session.
 */
const REPLY_HEADER_BYTES = 16;

/**
 * The beginning of a connection: session, SASL login, identities, and a first
 * ping, since servers that demand an identity refuse the first request that
 * comes without one. Without SASL all of it leaves in one write.
 */
export class Handshake {
  readonly #frames: FrameConnection;
  readonly #options: HandshakeOptions;
  readonly #xids = new Xids();
  #isGranted = false;
  #isOver = false;
  #onSaslReply: ((code: number, token: Uint8Array | null) => void) | undefined;

  constructor(frames: FrameConnection, options: HandshakeOptions) {
    this.#frames = frames;
    this.#options = options;
  }

  /** Call when the connection is open. */
  begin(): void {
    const { session, lastZxidSeen, sessionTimeoutMs, sasl } = this.#options;
    const { writer } = this.#frames;
    writer.begin();
    connectRequest.write(writer, {
      protocolVersion: PROTOCOL_VERSION,
      lastZxidSeen,
      sessionTimeoutMs,
      sessionId: session?.id ?? NO_SESSION,
      password: session?.password ?? Buffer.alloc(PASSWORD_BYTES),
      isReadOnlyAllowed: false,
    });
    writer.end();
    if (!sasl) {
      this.#writeIdentities();
    }
    this.#frames.flush();
  }

  /**
   * Reads the next frame.
   *
   * @throws {RangeError} if it is not what the protocol has here
   */
  receive(reader: JuteReader): void {
    if (this.#isOver) {
      return;
    }
    if (!this.#isGranted && reader.remaining !== REPLY_HEADER_BYTES) {
      this.#receiveConnectReply(reader);
      return;
    }
    const xid = reader.int();
    reader.long();
    const code = reader.int();
    const mayBeEarly = xid === XIDS.auth || code !== RESULT_CODES.ok;
    if (!this.#isGranted && !mayBeEarly) {
      throw new RangeError(`answer ${xid} before the session is granted`);
    }
    switch (xid) {
      case XIDS.auth:
        if (code !== RESULT_CODES.ok) {
          this.#refuse(authRefused(code, this.#options));
        }
        break;
      case XIDS.ping:
      case CLOSE_XID:
        if (code === RESULT_CODES.ok) {
          this.#isOver = true;
          this.#options.onDone();
        } else {
          this.#refuse(authRefused(code, this.#options));
        }
        break;
      case XIDS.event:
        break;
      default:
        if (!this.#onSaslReply) {
          throw new RangeError(`answer ${xid} to a request that nobody made`);
        }
        this.#onSaslReply(
          code,
          code === RESULT_CODES.ok
            ? OPERATIONS.sasl.reply.read(reader).token
            : null,
        );
    }
  }

  /** Nothing is reported any more. */
  abandon(): void {
    this.#isOver = true;
  }

  #receiveConnectReply(reader: JuteReader): void {
    const { session, onGranted } = this.#options;
    const reply = connectReply.read(reader);
    if (reply.protocolVersion === PROTOCOL_VERSION_GO_ELSEWHERE) {
      this.#refuse(elsewhere('it cannot serve now'));
    } else if (reply.isReadOnly) {
      this.#refuse(elsewhere('it is read-only'));
    } else if (reply.sessionTimeoutMs > 0 && reply.sessionId !== NO_SESSION) {
      this.#isGranted = true;
      onGranted?.({
        id: reply.sessionId,
        password: reply.password,
        sessionTimeoutMs: reply.sessionTimeoutMs,
      });
      this.#logIn();
    } else {
      this.#refuse(session ? 'expired' : elsewhere('it grants no session'));
    }
  }

  #logIn(): void {
    const { sasl } = this.#options;
    if (sasl) {
      this.#exchange(sasl).then(
        () => {
          if (!this.#isOver) {
            this.#writeIdentities();
            this.#frames.flush();
          }
        },
        (error: unknown) => this.#refuse(saslRefused(sasl, error)),
      );
    }
  }

  async #exchange(sasl: SaslLogin): Promise<void> {
    const { host, port } = this.#frames.endpoint;
    const respond = isPortable(sasl) ? digestMd5(sasl) : sasl.respond;
    let challenge: Uint8Array = new Uint8Array();
    for (let step = 0; !this.#isOver; step++) {
      this.#options.onTurn?.('login');
      const token = await respond(challenge, { host, port, step });
      if (!this.#isOver) {
        this.#options.onTurn?.('server');
      }
      if (token === undefined || this.#isOver) {
        return;
      }
      challenge = await this.#ask(token);
    }
  }

  #ask(token: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#onSaslReply = (code, answer) => {
        this.#onSaslReply = undefined;
        if (code === RESULT_CODES.ok) {
          resolve(answer ?? new Uint8Array());
        } else {
          reject(new SaslCodeError(code));
        }
      };
      writeRequest(this.#frames.writer, this.#xids.next(), OPERATIONS.sasl, {
        token,
      });
      this.#frames.flush();
    });
  }

  #writeIdentities(): void {
    const { auth, finish } = this.#options;
    const { writer } = this.#frames;
    for (const identity of auth) {
      writeRequest(writer, XIDS.auth, OPERATIONS.auth, identity);
    }
    const xid = finish === 'ping' ? XIDS.ping : CLOSE_XID;
    writeRequest(writer, xid, OPERATIONS[finish], undefined);
  }

  #refuse(why: 'expired' | ZookeeperError): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#options.onRefused(why);
    }
  }
}
