import type { JuteRecord } from './jute-record.js';

/** A node's status. */
export interface Stat {
  /** Transaction that created the node. */
  readonly czxid: number;
  /** Transaction that last changed the node's data. */
  readonly mzxid: number;
  /** Transaction that last created or deleted a child of the node. */
  readonly pzxid: number;
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
  /** Number of changes of the data, of the children, of the ACL. */
  readonly version: number;
  readonly childVersion: number;
  readonly aclVersion: number;
  /** Session that owns the node (hexadecimal), `'0'` if none does. */
  readonly ephemeralOwner: string;
  readonly dataLength: number;
  readonly numChildren: number;
}

export const stat: JuteRecord<Stat> = {
  write(writer, value) {
    writer
      .long(value.czxid)
      .long(value.mzxid)
      .long(value.createdAtMs)
      .long(value.modifiedAtMs)
      .int(value.version)
      .int(value.childVersion)
      .int(value.aclVersion)
      .hexLong(value.ephemeralOwner)
      .int(value.dataLength)
      .int(value.numChildren)
      .long(value.pzxid);
  },
  read: (reader) => ({
    czxid: reader.long(),
    mzxid: reader.long(),
    createdAtMs: reader.long(),
    modifiedAtMs: reader.long(),
    version: reader.int(),
    childVersion: reader.int(),
    aclVersion: reader.int(),
    ephemeralOwner: reader.hexLong(),
    dataLength: reader.int(),
    numChildren: reader.int(),
    pzxid: reader.long(),
  }),
};
