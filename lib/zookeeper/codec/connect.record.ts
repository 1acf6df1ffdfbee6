import {
  bool,
  copiedBuffer,
  hexLong,
  int,
  long,
  record,
  type JuteRecord,
  type WrittenAs,
} from './jute-record.js';

/** The session id of who has none yet. */
export const NO_SESSION = '0';
export const PASSWORD_BYTES = 16;
export const PROTOCOL_VERSION = 0;
/** ClickHouse Keeper's answer of a server that cannot serve now. */
export const PROTOCOL_VERSION_GO_ELSEWHERE = 42;

/** Clients and servers before 3.4 end before it. */
const lastBool: JuteRecord<boolean | undefined> = {
  write: (writer, value) => value !== undefined && bool.write(writer, value),
  read: (reader) => (reader.remaining > 0 ? reader.bool() : undefined),
};

/** The first message of a connection, without a header. */
export type ConnectRequest = WrittenAs<typeof connectRequest>;
export const connectRequest = record({
  protocolVersion: int,
  lastZxidSeen: long,
  sessionTimeoutMs: int,
  /** Hexadecimal; {@link NO_SESSION} for a new one. */
  sessionId: hexLong,
  password: copiedBuffer,
  isReadOnlyAllowed: lastBool,
});

/** The answer to it, without a header. */
export type ConnectReply = WrittenAs<typeof connectReply>;
export const connectReply = record({
  protocolVersion: int,
  /** The one that the server grants; not above 0 if the session is over. */
  sessionTimeoutMs: int,
  sessionId: hexLong,
  password: copiedBuffer,
  isReadOnly: lastBool,
});
