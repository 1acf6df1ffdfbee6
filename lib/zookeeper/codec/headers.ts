import { int, long, record, type WrittenAs } from './jute-record.js';

/** In front of every request but the first of a connection. */
export const requestHeader = record({ xid: int, opcode: int });

/** In front of every answer but the first of a connection. */
export type ReplyHeader = WrittenAs<typeof replyHeader>;
export const replyHeader = record({
  xid: int,
  /** The last transaction that the server knew of; -1 where it does not say. */
  zxid: long,
  /** See {@link RESULT_CODES}; only an answer with 0 has a body. */
  code: int,
});
