import { hexLong, int, long, record, type WrittenAs } from './jute-record.js';

/** A node's status. */
export type Stat = WrittenAs<typeof stat>;

export const stat = record({
  /** Transaction that created the node. */
  czxid: long,
  /** Transaction that last changed the node's data. */
  mzxid: long,
  /** Server's wall clock at the creation, milliseconds since the epoch. */
  createdAtMs: long,
  /** Server's wall clock at the last change of the data. */
  modifiedAtMs: long,
  /** Number of changes of the data, of the children, of the ACL. */
  version: int,
  childVersion: int,
  aclVersion: int,
  /** Session that owns the node (hexadecimal), `'0'` if none does. */
  ephemeralOwner: hexLong,
  dataLength: int,
  numChildren: int,
  /** Transaction that last created or deleted a child of the node. */
  pzxid: long,
});
