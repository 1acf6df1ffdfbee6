import type {
  ConnectReply,
  ConnectRequest,
} from '../../zookeeper/codec/connect.record.js';
import {
  NO_SESSION,
  PASSWORD_BYTES,
  PROTOCOL_VERSION,
} from '../../zookeeper/codec/connect.record.js';
import type { JuteReader } from '../../zookeeper/codec/jute-reader.js';
import { RESULT_CODES } from '../../zookeeper/codec/result-codes.js';
import type { Answer, Body } from './answer.js';
import { remove, type Store } from './apply.js';
import { DataTree, type Moment } from './data-tree.js';
import { isRead, read, type Peer } from './reads.js';
import { Refusal } from './refusal.js';
import type { ReleaseTraits } from './release.js';
import { nameOfOpcode, type ServerOpcode } from './server-opcodes.js';
import { SessionTable, type SessionTimes } from './session-table.js';
import { WatchTable } from './watch-table.js';
import { isWrite, multi, write } from './writes.js';

const QUOTA_PATH = '/zookeeper/quota';

export interface ServerStateOptions extends SessionTimes {
  readonly traits: ReleaseTraits;
  /** Id of the first session. */
  readonly firstSession: bigint;
  /** What the passwords of sessions are made of. */
  readonly secret: string;
  /** Milliseconds since the epoch, for the times of nodes. */
  readonly wallClock: () => number;
  /** Called once if quotas are asked for, which there are none of. */
  readonly onQuota: () => void;
}

/** The answer to a first message, and the session that it is about. */
export interface Admission {
  readonly reply: ConnectReply;
  /** Undefined: there is none, and the connection ends. */
  readonly session?: string;
}

/**
 * A server without its connections: what requests do to the tree, the watches
 * and the sessions, and how they are answered. Requests are served one at a
 * time, to the end, so there is one order of everything, as in a real server.
 */
export class ServerState implements Store {
  readonly tree = new DataTree();
  readonly watches: WatchTable;
  readonly sessions: SessionTable;
  readonly #options: ServerStateOptions;
  #zxid = 0;
  #isQuotaTold = false;

  constructor(options: ServerStateOptions) {
    this.#options = options;
    const { traits, firstSession, secret } = options;
    this.watches = new WatchTable(traits);
    this.sessions = new SessionTable(options, firstSession, secret);
  }

  /** The last transaction. */
  get zxid(): number {
    return this.#zxid;
  }

  /**
   * Begins a session, or resumes one.
   *
   * @returns undefined if the client has seen more than this server: it hangs up
   */
  connect(request: ConnectRequest, nowMs: number): Admission | undefined {
    if (request.lastZxidSeen > this.#zxid) {
      return undefined;
    }
    const timeoutMs = this.sessions.granted(request.sessionTimeoutMs);
    const { sessionId, password } = request;
    const isNew = sessionId === NO_SESSION;
    const isValid =
      isNew || this.sessions.resume(sessionId, password, timeoutMs, nowMs);
    if (!isValid) {
      return {
        reply: connectReply(0, NO_SESSION, Buffer.alloc(PASSWORD_BYTES)),
      };
    }
    if (isNew) {
      this.#zxid += 1;
    }
    const session = isNew ? this.sessions.begin(timeoutMs, nowMs) : sessionId;
    const passwordOfIt = this.sessions.passwordOf(session);
    return { reply: connectReply(timeoutMs, session, passwordOfIt), session };
  }

  /** @returns undefined if a real server does not answer this */
  answer(
    peer: Peer,
    opcode: number,
    reader: JuteReader,
    nowMs: number,
  ): Answer | undefined {
    this.sessions.touch(peer.session, nowMs);
    const name = nameOfOpcode(opcode);
    if (name === 'closeSession') {
      this.endSession(peer.session);
      return { code: RESULT_CODES.ok, zxid: this.#zxid, isLast: true };
    }
    if (name === undefined) {
      return { code: RESULT_CODES.unimplemented, zxid: -1, isLast: true };
    }
    try {
      const body = this.#serve(name, peer, reader);
      return {
        code: RESULT_CODES.ok,
        zxid: this.#zxid,
        ...(body && { body }),
      };
    } catch (error) {
      return { code: codeOf(error), zxid: this.#zxid };
    }
  }

  /** Deletes the session's ephemeral nodes; nothing of it is left. */
  endSession(session: string): void {
    const moment = this.#nextMoment();
    for (const path of this.tree.ephemeralsOf(session)) {
      remove(path, this, moment);
    }
    this.tree.forget(session);
    this.sessions.end(session);
  }

  /** Ends the sessions that are over, and returns them. */
  expire(nowMs: number): string[] {
    const overdue = this.sessions.overdue(nowMs);
    for (const session of overdue) {
      this.endSession(session);
    }
    return overdue;
  }

  /** Deletes the containers that have lost all their children. */
  deleteEmptyContainers(): void {
    for (const path of this.tree.emptyContainers) {
      remove(path, this, this.#nextMoment());
    }
  }

  #serve(name: ServerOpcode, peer: Peer, reader: JuteReader): Body | undefined {
    if (isWrite(name) || name === 'multi') {
      const moment = this.#nextMoment();
      const body =
        name === 'multi'
          ? multi(reader, peer, this, moment, this.#options.traits)
          : write(name, reader, peer, this, moment);
      this.#tellOfQuota();
      return body;
    }
    if (isRead(name)) {
      const { tree, watches } = this;
      const { traits } = this.#options;
      return read(name, reader, { tree, watches, peer, traits });
    }
    // Connections deal with auth and sasl themselves.
    throw new Error(`${name} is not a request of a session.`);
  }

  #tellOfQuota(): void {
    const isAsked = this.tree.existing(QUOTA_PATH).children.size > 0;
    if (isAsked && !this.#isQuotaTold) {
      this.#isQuotaTold = true;
      this.#options.onQuota();
    }
  }

  #nextMoment(): Moment {
    this.#zxid += 1;
    return { zxid: this.#zxid, atMs: this.#options.wallClock() };
  }
}

function connectReply(
  sessionTimeoutMs: number,
  sessionId: string,
  password: Buffer,
): ConnectReply {
  return {
    protocolVersion: PROTOCOL_VERSION,
    sessionTimeoutMs,
    sessionId,
    password,
    isReadOnly: false,
  };
}

/** @throws whatever is neither a refusal nor a request that cannot be read */
function codeOf(error: unknown): number {
  if (error instanceof Refusal) {
    return error.code;
  }
  if (error instanceof RangeError) {
    return RESULT_CODES.marshallingError;
  }
  throw error;
}
