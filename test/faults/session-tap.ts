import { FrameSplitter } from '../support/frame-splitter.js';
import { JuteReader } from '../support/jute.js';
import { OPCODES } from '../support/protocol.js';

/** A session that a ZooKeeper server has granted. */
export interface GrantedSession {
  readonly sessionId: string;
  readonly password: Buffer;
}

const LENGTH_BYTES = 4;
const PASSWORD_BYTES = 16;

/**
 * Reads along on a connection between a client and a ZooKeeper server: which
 * session is granted, and whether the client ends it.
 */
export class SessionTap {
  readonly #onGrant: (session: GrantedSession) => void;
  readonly #onClose: (sessionId: string) => void;
  readonly #requests = new FrameSplitter();
  readonly #replies = new FrameSplitter();
  #isFirstRequest = true;
  #isFirstReply = true;
  #sessionId: string | undefined;

  /**
   * @param onGrant is given the session that the server has granted or confirmed
   * @param onClose is called when the client asks the server to end it
   */
  constructor(
    onGrant: (session: GrantedSession) => void,
    onClose: (sessionId: string) => void,
  ) {
    this.#onGrant = onGrant;
    this.#onClose = onClose;
  }

  /** Returns the packets that are complete now. */
  requests(bytes: Buffer): Buffer[] {
    const packets = this.#requests.push(bytes);
    for (const packet of packets) {
      if (this.#isFirstRequest) {
        this.#isFirstRequest = false;
        // The session that it comes back to, if any; version, zxid and timeout first.
        this.#sessionId = sessionIdAt(packet, LENGTH_BYTES + 4 + 8 + 4);
      } else if (isCloseSession(packet) && this.#sessionId !== undefined) {
        this.#onClose(this.#sessionId);
      }
    }
    return packets;
  }

  /** Likewise, of what the server answers. */
  replies(bytes: Buffer): Buffer[] {
    const packets = this.#replies.push(bytes);
    const [first] = packets;
    if (first && this.#isFirstReply) {
      this.#isFirstReply = false;
      const session = readGrant(first);
      if (session) {
        this.#sessionId = session.sessionId;
        this.#onGrant(session);
      }
    }
    return packets;
  }
}

function sessionIdAt(packet: Buffer, offset: number): string | undefined {
  const id =
    packet.length >= offset + 8 ? packet.readBigUInt64BE(offset) : undefined;
  return id === undefined || id === 0n ? undefined : id.toString(16);
}

/** An xid, and the operation. */
function isCloseSession(packet: Buffer): boolean {
  return (
    packet.length >= LENGTH_BYTES + 8 &&
    packet.readInt32BE(LENGTH_BYTES + 4) === OPCODES.closeSession
  );
}

/** Version, timeout, session and password; a timeout of 0 refuses the session. */
function readGrant(packet: Buffer): GrantedSession | undefined {
  if (packet.length < 40) {
    return undefined;
  }
  const reader = new JuteReader(packet.subarray(LENGTH_BYTES));
  const version = reader.int();
  const timeoutMs = reader.int();
  const sessionId = reader.hex();
  const password = Buffer.from(reader.buffer());
  return version === 0 && timeoutMs > 0 && password.length === PASSWORD_BYTES
    ? { sessionId, password }
    : undefined;
}
