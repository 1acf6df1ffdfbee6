import type { JuteRecord } from './jute-record.js';

/** The session id of who has none yet. */
export const NO_SESSION = '0';
export const PASSWORD_BYTES = 16;
export const PROTOCOL_VERSION = 0;
/** ClickHouse Keeper's answer of a server that cannot serve now. */
export const PROTOCOL_VERSION_GO_ELSEWHERE = 42;

/** The first message of a connection, without a header. */
export interface ConnectRequest {
  readonly protocolVersion: number;
  readonly lastZxidSeen: number;
  readonly sessionTimeoutMs: number;
  /** Hexadecimal; {@link NO_SESSION} for a new one. */
  readonly sessionId: string;
  readonly password: Uint8Array;
  readonly isReadOnlyAllowed: boolean;
}

/** The answer to it, without a header. */
export interface ConnectReply {
  readonly protocolVersion: number;
  /** The one that the server grants; not above 0 if the session is over. */
  readonly sessionTimeoutMs: number;
  readonly sessionId: string;
  readonly password: Uint8Array;
  /** Servers before 3.4 do not say. */
  readonly isReadOnly?: boolean;
}

export const connectRequest: JuteRecord<ConnectRequest> = {
  write(writer, value) {
    writer
      .int(value.protocolVersion)
      .long(value.lastZxidSeen)
      .int(value.sessionTimeoutMs)
      .hexLong(value.sessionId)
      .buffer(value.password)
      .bool(value.isReadOnlyAllowed);
  },
  read: (reader) => ({
    protocolVersion: reader.int(),
    lastZxidSeen: reader.long(),
    sessionTimeoutMs: reader.int(),
    sessionId: reader.hexLong(),
    password: Buffer.from(reader.buffer() ?? []),
    // Clients before 3.4 do not say.
    isReadOnlyAllowed: reader.remaining > 0 && reader.bool(),
  }),
};

export const connectReply: JuteRecord<ConnectReply> = {
  write(writer, value) {
    writer
      .int(value.protocolVersion)
      .int(value.sessionTimeoutMs)
      .hexLong(value.sessionId)
      .buffer(value.password);
    if (value.isReadOnly !== undefined) {
      writer.bool(value.isReadOnly);
    }
  },
  read(reader) {
    const reply = {
      protocolVersion: reader.int(),
      sessionTimeoutMs: reader.int(),
      sessionId: reader.hexLong(),
      password: Buffer.from(reader.buffer() ?? []),
    };
    return reader.remaining > 0
      ? { ...reply, isReadOnly: reader.bool() }
      : reply;
  },
};
