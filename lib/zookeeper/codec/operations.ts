import { getAclReply, setAclRequest } from './acl.record.js';
import { authRequest, saslToken, whoAmIReply } from './auth.records.js';
import { nothing, type JuteRecord } from './jute-record.js';
import type { JuteWriter } from './jute-writer.js';
import {
  created,
  createRequest,
  getChildren2Reply,
  getChildrenReply,
  getDataReply,
  pathOnly,
  setDataRequest,
  versionedPath,
  watchablePath,
} from './node.records.js';
import { OPCODES, type OperationName } from './opcodes.js';
import { stat } from './stat.record.js';
import { removeWatchesRequest, setWatchesRequest } from './watch.records.js';

/** What it takes to write a request. */
export interface Operation<Request> {
  readonly opcode: number;
  readonly request: JuteRecord<Request, unknown>;
}

/** A request, with what it says and what it is answered. */
function operation<Request, Reply>(
  name: OperationName,
  request: Request,
  reply: Reply,
): { name: OperationName; opcode: number; request: Request; reply: Reply } {
  return { name, opcode: OPCODES[name], request, reply };
}

/** All that this library asks a server for. */
export const OPERATIONS = {
  create: operation('create', createRequest, pathOnly),
  create2: operation('create2', createRequest, created),
  createContainer: operation('createContainer', createRequest, created),
  delete: operation('delete', versionedPath, nothing),
  exists: operation('exists', watchablePath, stat),
  getData: operation('getData', watchablePath, getDataReply),
  setData: operation('setData', setDataRequest, stat),
  getAcl: operation('getAcl', pathOnly, getAclReply),
  setAcl: operation('setAcl', setAclRequest, stat),
  getChildren: operation('getChildren', watchablePath, getChildrenReply),
  getChildren2: operation('getChildren2', watchablePath, getChildren2Reply),
  sync: operation('sync', pathOnly, pathOnly),
  ping: operation('ping', nothing, nothing),
  checkWatches: operation('checkWatches', removeWatchesRequest, nothing),
  removeWatches: operation('removeWatches', removeWatchesRequest, nothing),
  auth: operation('auth', authRequest, nothing),
  setWatches: operation('setWatches', setWatchesRequest, nothing),
  sasl: operation('sasl', saslToken, saslToken),
  whoAmI: operation('whoAmI', nothing, whoAmIReply),
  closeSession: operation('closeSession', nothing, nothing),
} as const;

/** Writes a request as one frame. */
export function writeRequest<Request>(
  writer: JuteWriter,
  xid: number,
  { opcode, request }: Operation<Request>,
  value: Request,
): void {
  writer.begin().int(xid).int(opcode);
  request.write(writer, value);
  writer.end();
}
