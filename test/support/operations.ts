import {
  created,
  getChildren2Reply,
  getChildrenReply,
  getDataReply,
  setWatchesRequest,
  whoAmIReply,
} from '../../lib/testing/server/server.records.js';
import { SERVER_OPCODES } from '../../lib/testing/server/server-opcodes.js';
import {
  getAclReply,
  setAclRequest,
} from '../../lib/zookeeper/codec/acl.record.js';
import {
  authRequest,
  saslToken,
} from '../../lib/zookeeper/codec/auth.records.js';
import { nothing } from '../../lib/zookeeper/codec/jute-record.js';
import {
  multiReply,
  multiRequest,
} from '../../lib/testing/server/multi.record.js';
import {
  createRequest,
  pathOnly,
  setDataRequest,
  versionedPath,
  watchablePath,
} from '../../lib/zookeeper/codec/node.records.js';
import { stat } from '../../lib/zookeeper/codec/stat.record.js';
import { removeWatchesRequest } from '../../lib/zookeeper/codec/watch.records.js';

function operation<Request, Reply>(
  name: keyof typeof SERVER_OPCODES,
  request: Request,
  reply: Reply,
): { opcode: number; request: Request; reply: Reply } {
  return { opcode: SERVER_OPCODES[name], request, reply };
}

/** Requests of any client, with all that they are answered. */
export const ALL_OPERATIONS = {
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
  multi: operation('multi', multiRequest, multiReply),
  checkWatches: operation('checkWatches', removeWatchesRequest, nothing),
  removeWatches: operation('removeWatches', removeWatchesRequest, nothing),
  auth: operation('auth', authRequest, nothing),
  setWatches: operation('setWatches', setWatchesRequest, nothing),
  sasl: operation('sasl', saslToken, saslToken),
  whoAmI: operation('whoAmI', nothing, whoAmIReply),
  closeSession: operation('closeSession', nothing, nothing),
} as const;
