import { type JuteReader, JuteWriter } from './jute.js';
import { type Opcode, OPCODES } from './protocol.js';

/** What ZooKeeper knows about a node. */
export interface Stat {
  czxid: number;
  mzxid: number;
  pzxid: number;
  ctimeMs: number;
  mtimeMs: number;
  version: number;
  childrenVersion: number;
  aclVersion: number;
  /** Session id in hexadecimal; '0' for a node that is not ephemeral. */
  ephemeralOwner: string;
  dataLength: number;
  childCount: number;
}

export interface Acl {
  permissions: number;
  scheme: string;
  id: string;
}

/** Everybody may do everything. */
export const OPEN_ACL: Acl[] = [
  { permissions: 31, scheme: 'world', id: 'anyone' },
];

export function writeAcl(writer: JuteWriter, acl: Acl[]): JuteWriter {
  writer.int(acl.length);
  for (const { permissions, scheme, id } of acl) {
    writer.int(permissions).string(scheme).string(id);
  }
  return writer;
}

export function readAcl(reader: JuteReader): Acl[] {
  return reader.vector(() => ({
    permissions: reader.int(),
    scheme: reader.string(),
    id: reader.string(),
  }));
}

export function readStat(reader: JuteReader): Stat {
  const czxid = reader.number();
  const mzxid = reader.number();
  const ctimeMs = reader.number();
  const mtimeMs = reader.number();
  const version = reader.int();
  const childrenVersion = reader.int();
  const aclVersion = reader.int();
  const ephemeralOwner = reader.hex();
  const dataLength = reader.int();
  const childCount = reader.int();
  const pzxid = reader.number();
  return {
    czxid,
    mzxid,
    pzxid,
    ctimeMs,
    mtimeMs,
    version,
    childrenVersion,
    aclVersion,
    ephemeralOwner,
    dataLength,
    childCount,
  };
}

/** The requests of one transaction. */
export function multiOf(
  ...requests: readonly (readonly [Opcode, JuteWriter])[]
): JuteWriter {
  const body = new JuteWriter();
  for (const [opcode, request] of requests) {
    body.int(OPCODES[opcode]).bool(false).int(-1).append(request);
  }
  return body.int(-1).bool(true).int(-1);
}
