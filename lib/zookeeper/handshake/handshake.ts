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
import {
  FrameConnection,
  type ServerEndpoint,
} from '../connection/frame-connection.js';
import type { ConnectionSecurity } from '../connection-security.js';
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

/** Why a connection has ended. `expired`: the server does not know the session. */
export type ConnectionEnd = 'expired' | Error;

export interface HandshakeOptions {
  readonly endpoint: ServerEndpoint;
  readonly security: ConnectionSecurity;
  /** The session to go on with; undefined: a new one. */
  readonly session?: SessionKey | undefined;
  /** A server that has seen less refuses us. */
  readonly lastZxidSeen: number;
  readonly sessionTimeoutMs: number;
  /** What follows in the same write: `closeSession` ends the session at once. */
  readonly finish: 'ping' | 'closeSession';
  /** Until the server has granted the session. Undefined: the caller bounds it all. */
  readonly connectTimeoutMs?: number;
  /** The server has said something. */
  readonly onAnswer?: () => void;
  /** The server knows the session; its identities are still to be proved. */
  readonly onGranted?: (session: GrantedSession) => void;
  /** The connection can be used; or, after `closeSession`, the session is over. */
  readonly onDone: (frames: FrameConnection) => void;
  /**
   * The connection is gone, or of no use. `AUTH_FAILED`: the next one will not do
   * either. Called once at most, and not after {@link Handshake.drop}.
   */
  readonly onEnd: (why: ConnectionEnd) => void;
}

/**
 * The answer to a request without content. That to a connect request is longer, and
 * may come last: a server judges identities at once, and one that demands a login
 * refuses the first request, while the ensemble still makes the session.
 */
const REPLY_HEADER_BYTES = 16;

/** The first request is refused with one of these for want of an identity. */
const CODES_OF_IDENTITY: readonly number[] = [
  RESULT_CODES.noAuth,
  RESULT_CODES.authFailed,
  RESULT_CODES.sessionClosedRequireSaslAuth,
];

/**
 * A connection and how it begins: session, SASL login, identities, and a first
 * ping, since servers that demand an identity refuse the first request that
 * comes without one. Without SASL all of it leaves in one write.
 */
export class Handshake {
  readonly #options: HandshakeOptions;
  readonly #frames: FrameConnection;
  readonly #xids = new Xids();
  #hasBegun = false;
  /** The session timeout that was granted; 0: not yet. */
  #grantedMs = 0;
  #isDone = false;
  #isOver = false;
  #deadline: NodeJS.Timeout | undefined;
  #onSaslReply: ((code: number, reader: JuteReader) => void) | undefined;

  /** Connects. */
  constructor(options: HandshakeOptions) {
    this.#options = options;
    this.#frames = new FrameConnection(
      options.endpoint,
      options.security.tls,
      (reader) => this.#receive(reader),
      {
        onOpen: () => this.#begin(),
        onEnd: (error) => this.end(error),
      },
    );
    this.#bound(options.connectTimeoutMs ?? 0);
  }

  /** Whether the server may have heard of us. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** A sign of life for the session, once the handshake is done. */
  ping(): void {
    const { writer } = this.#frames;
    writeRequest(writer, XIDS.ping, OPERATIONS.ping, undefined);
    this.#frames.flush();
  }

  /** Ends the connection, never the session, and reports why. */
  end(why: ConnectionEnd): void {
    if (!this.#isOver) {
      this.drop();
      this.#options.onEnd(why);
    }
  }

  /** Ends the connection, never the session. Nothing is reported any more. */
  drop(): void {
    this.#isOver = true;
    clearTimeout(this.#deadline);
    this.#frames.destroy();
  }

  /** Ends the connection if the next step takes longer, unless the caller does. */
  #bound(ms: number, blame = 'did not answer'): void {
    clearTimeout(this.#deadline);
    if (this.#isOver || this.#options.connectTimeoutMs === undefined) {
      return;
    }
    const deadline = setTimeout(() => {
      // After a stall the timer comes before the answer that lies ready.
      setImmediate(() => {
        if (!this.#isDone && this.#deadline === deadline) {
          this.end(new Error(`${blame} within ${Math.round(ms)} ms`));
        }
      });
    }, ms);
    this.#deadline = deadline;
  }

  #begin(): void {
    const { session, lastZxidSeen, sessionTimeoutMs, security } = this.#options;
    const { writer } = this.#frames;
    this.#hasBegun = true;
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
    if (!security.sasl) {
      this.#writeIdentities();
    }
    this.#frames.flush();
  }

  /** @throws {RangeError} if a frame is not what the protocol has here */
  #receive(reader: JuteReader): void {
    this.#options.onAnswer?.();
    if (this.#isDone) {
      return;
    }
    if (this.#grantedMs === 0 && reader.remaining !== REPLY_HEADER_BYTES) {
      this.#receiveConnectReply(reader);
      return;
    }
    const xid = reader.int();
    reader.long();
    const code = reader.int();
    const mayBeEarly = xid === XIDS.auth || code !== RESULT_CODES.ok;
    if (this.#grantedMs === 0 && !mayBeEarly) {
      throw new RangeError(`answer ${xid} before the session is granted`);
    }
    switch (xid) {
      case XIDS.auth:
      case XIDS.ping:
      case CLOSE_XID:
        if (code !== RESULT_CODES.ok) {
          this.end(this.#refusal(xid, code));
        } else if (xid !== XIDS.auth) {
          this.#isDone = true;
          clearTimeout(this.#deadline);
          this.#options.onDone(this.#frames);
        }
        break;
      case XIDS.event:
        break;
      default:
        if (!this.#onSaslReply) {
          throw new RangeError(`answer ${xid} to a request that nobody made`);
        }
        this.#onSaslReply(code, reader);
    }
  }

  /** Why an identity, or the first request, was refused. */
  #refusal(xid: number, code: number): ConnectionEnd {
    const { session, security } = this.#options;
    if (xid === XIDS.auth || CODES_OF_IDENTITY.includes(code)) {
      return authRefused(code, security);
    }
    return session && code === RESULT_CODES.sessionExpired
      ? 'expired'
      : elsewhere(`it answered the first request with code ${code}`);
  }

  #receiveConnectReply(reader: JuteReader): void {
    const { session, onGranted } = this.#options;
    const reply = connectReply.read(reader);
    if (reply.protocolVersion === PROTOCOL_VERSION_GO_ELSEWHERE) {
      this.end(elsewhere('it cannot serve now'));
    } else if (reply.isReadOnly) {
      this.end(elsewhere('it is read-only'));
    } else if (reply.sessionTimeoutMs > 0 && reply.sessionId !== NO_SESSION) {
      this.#grantedMs = reply.sessionTimeoutMs;
      // Leaves enough to try again while the session lives: nothing is sent
      // meanwhile that would keep it alive.
      this.#bound(this.#grantedMs / 3);
      onGranted?.({
        id: reply.sessionId,
        password: reply.password,
        sessionTimeoutMs: this.#grantedMs,
      });
      this.#logIn();
    } else {
      this.end(session ? 'expired' : elsewhere('it grants no session'));
    }
  }

  #logIn(): void {
    const { sasl } = this.#options.security;
    if (sasl) {
      // Later: a function of the user's never runs while a frame is read.
      const begun = Promise.resolve();
      begun
        .then(() => this.#exchange(sasl))
        .then(
          () => {
            if (!this.#isOver) {
              this.#writeIdentities();
              this.#frames.flush();
            }
          },
          (error: unknown) => this.end(saslRefused(sasl, error)),
        );
    }
  }

  async #exchange(sasl: SaslLogin): Promise<void> {
    const { host, port } = this.#frames.endpoint;
    const respond = isPortable(sasl) ? digestMd5(sasl) : sasl.respond;
    let challenge: Uint8Array = new Uint8Array();
    for (let step = 0; !this.#isOver; step++) {
      // A login that asks elsewhere is no silence of the server (ZOOKEEPER-4275).
      this.#bound(
        this.#grantedMs,
        'was given up: the function of the option sasl did not answer',
      );
      const token = await respond(challenge, { host, port, step });
      this.#bound(this.#grantedMs / 3);
      if (token === undefined || this.#isOver) {
        return;
      }
      challenge = await this.#ask(token);
    }
  }

  #ask(token: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#onSaslReply = (code, reader) => {
        this.#onSaslReply = undefined;
        if (code === RESULT_CODES.ok) {
          resolve(OPERATIONS.sasl.read(reader) ?? new Uint8Array());
        } else {
          reject(new SaslCodeError(code));
        }
      };
      const { writer } = this.#frames;
      writeRequest(writer, this.#xids.next(), OPERATIONS.sasl, { token });
      this.#frames.flush();
    });
  }

  #writeIdentities(): void {
    const { security, finish } = this.#options;
    const { writer } = this.#frames;
    for (const identity of security.auth) {
      writeRequest(writer, XIDS.auth, OPERATIONS.auth, identity);
    }
    const xid = finish === 'ping' ? XIDS.ping : CLOSE_XID;
    writeRequest(writer, xid, OPERATIONS[finish], undefined);
  }
}
