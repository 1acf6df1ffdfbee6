import type { JuteRecord } from './jute-record.js';

/** In front of every request but the first of a connection. */
export interface RequestHeader {
  readonly xid: number;
  readonly opcode: number;
}

export const requestHeader: JuteRecord<RequestHeader> = {
  write(writer, { xid, opcode }) {
    writer.int(xid).int(opcode);
  },
  read: (reader) => ({ xid: reader.int(), opcode: reader.int() }),
};

/** In front of every answer but the first of a connection. */
export interface ReplyHeader {
  readonly xid: number;
  /** The last transaction that the server knew of; -1 where it does not say. */
  readonly zxid: number;
  /** See {@link RESULT_CODES}; only an answer with 0 has a body. */
  readonly code: number;
}

export const replyHeader: JuteRecord<ReplyHeader> = {
  write(writer, { xid, zxid, code }) {
    writer.int(xid).long(zxid).int(code);
  },
  read: (reader) => ({
    xid: reader.int(),
    zxid: reader.long(),
    code: reader.int(),
  }),
};
