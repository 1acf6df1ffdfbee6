import { getAclReply, setAclRequest } from './acl.record.js';
import { authRequest, saslToken } from './auth.records.js';
import type { JuteReader } from './jute-reader.js';
import { nothing, type JuteRecord } from './jute-record.js';
import type { JuteWriter } from './jute-writer.js';
import {
  createRequest,
  pathOnly,
  setDataRequest,
  texts,
  versionedPath,
  watchablePath,
} from './node.records.js';
import { OPCODES } from './opcodes.js';
import { stat } from './stat.record.js';
import { removeWatchesRequest } from './watch.records.js';

/** A request: its number, what it says, and what is read of its answer. */
export interface Operation<Value, Answer> {
  readonly opcode: number;
  readonly request: JuteRecord<Value, unknown>;
  readonly read: (reply: JuteReader) => Answer;
}

function operation<Value, Answer>(
  name: keyof typeof OPCODES,
  request: JuteRecord<Value, unknown>,
  read: (reply: JuteReader) => Answer,
): Operation<Value, Answer> {
  return { opcode: OPCODES[name], request, read };
}

const nothingOf = (): void => undefined;
const textOf = (reply: JuteReader): string => reply.text();

/** All that this library asks a server for. */
export const OPERATIONS = {
  create: operation('create', createRequest, textOf),
  // It is answered with a status, too.
  createContainer: operation('createContainer', createRequest, textOf),
  delete: operation('delete', versionedPath, nothingOf),
  getData: operation('getData', watchablePath, (reply) => ({
    data: reply.text(),
    stat: stat.read(reply),
  })),
  setData: operation('setData', setDataRequest, (reply) => stat.read(reply)),
  getAcl: operation('getAcl', pathOnly, (reply) => getAclReply.read(reply)),
  setAcl: operation('setAcl', setAclRequest, nothingOf),
  getChildren2: operation('getChildren2', watchablePath, (reply) => ({
    children: texts.read(reply),
    stat: stat.read(reply),
  })),
  sync: operation('sync', pathOnly, nothingOf),
  ping: operation('ping', nothing, nothingOf),
  removeWatches: operation('removeWatches', removeWatchesRequest, nothingOf),
  auth: operation('auth', authRequest, nothingOf),
  sasl: operation('sasl', saslToken, (reply) => saslToken.read(reply).token),
  closeSession: operation('closeSession', nothing, nothingOf),
} as const;

/** Writes a request as one frame. */
export function writeRequest<Value>(
  writer: JuteWriter,
  xid: number,
  { opcode, request }: Operation<Value, unknown>,
  value: Value,
): void {
  writer.begin().int(xid).int(opcode);
  request.write(writer, value);
  writer.end();
}
