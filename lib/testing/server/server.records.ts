import {
  buffer,
  int,
  list,
  long,
  record,
  text,
  type WrittenAs,
} from '../../zookeeper/codec/jute-record.js';
import { texts } from '../../zookeeper/codec/node.records.js';
import { stat } from '../../zookeeper/codec/stat.record.js';

// What other clients ask for, and answers of which ours reads a part.

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

/** Of `create2` and `createContainer`. */
export const created = record({ path: text, stat });

export const getDataReply = record({ data: buffer, stat });

export const getChildrenReply = record({ children: texts });

export const getChildren2Reply = record({ children: texts, stat });

/** `SyncConnected`, the only state of a session that gets events of nodes. */
export const STATE_CONNECTED = 3;

/** Sets again what a connection before has watched. */
export type SetWatchesRequest = WrittenAs<typeof setWatchesRequest>;
export const setWatchesRequest = record({
  /** What has happened since this transaction fires at once. */
  relativeZxid: long,
  data: texts,
  exist: texts,
  children: texts,
});

/** The lengths of two strings. */
const LEAST_IDENTITY_BYTES = 8;

/** One identity of a session, as the server names it. */
export type Identity = WrittenAs<typeof identity>;
const identity = record({ scheme: text, id: text });

export const whoAmIReply = list(identity, LEAST_IDENTITY_BYTES);
