import * as fc from '../../support/fast-check.js';
import {
  acl,
  getAclReply,
  setAclRequest,
} from '../../../lib/zookeeper/codec/acl.record.js';
import {
  authRequest,
  saslToken,
} from '../../../lib/zookeeper/codec/auth.records.js';
import {
  connectReply,
  connectRequest,
} from '../../../lib/zookeeper/codec/connect.record.js';
import type { JuteRecord } from '../../../lib/zookeeper/codec/jute-record.js';
import {
  multiReply,
  multiRequest,
} from '../../../lib/testing/server/multi.record.js';
import {
  createRequest,
  pathOnly,
  setDataRequest,
  texts,
  versionedPath,
  watchablePath,
} from '../../../lib/zookeeper/codec/node.records.js';
import { stat } from '../../../lib/zookeeper/codec/stat.record.js';
import {
  removeWatchesRequest,
  watcherEvent,
} from '../../../lib/zookeeper/codec/watch.records.js';
import {
  created,
  whoAmIReply,
  replyHeader,
  requestHeader,
  getChildren2Reply,
  getChildrenReply,
  getDataReply,
  setWatchesRequest,
} from '../../../lib/testing/server/server.records.js';

const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const long = fc.maxSafeInteger();
const hex = fc.bigInt(0n, 2n ** 64n - 1n).map((value) => value.toString(16));
const text = fc.string({ unit: 'grapheme' });
const bytes = fc
  .uint8Array({ maxLength: 40 })
  .map((array) => Buffer.from(array));
const data = fc.option(bytes);
const list = fc.array(text, { maxLength: 5 });
const aclOf = fc.array(
  fc.record({ permissions: int, scheme: text, id: text }),
  { maxLength: 3 },
);
const statOf = fc.record({
  czxid: long,
  mzxid: long,
  pzxid: long,
  createdAtMs: long,
  modifiedAtMs: long,
  version: int,
  childVersion: int,
  aclVersion: int,
  ephemeralOwner: hex,
  dataLength: int,
  numChildren: int,
});
const create = { path: text, data, acl: aclOf, flags: int };

/** Every record of the protocol, with the values that it can have. */
export const RECORDS: Record<
  string,
  { record: JuteRecord<never, unknown>; values: fc.Arbitrary<unknown> }
> = {
  connectRequest: {
    record: connectRequest,
    values: fc.record({
      protocolVersion: int,
      lastZxidSeen: long,
      sessionTimeoutMs: int,
      sessionId: hex,
      password: bytes,
      isReadOnlyAllowed: fc.boolean(),
    }),
  },
  connectReply: {
    record: connectReply,
    values: fc.record(
      {
        protocolVersion: int,
        sessionTimeoutMs: int,
        sessionId: hex,
        password: bytes,
        isReadOnly: fc.boolean(),
      },
      {
        requiredKeys: [
          'protocolVersion',
          'sessionTimeoutMs',
          'sessionId',
          'password',
        ],
      },
    ),
  },
  requestHeader: {
    record: requestHeader,
    values: fc.record({ xid: int, opcode: int }),
  },
  replyHeader: {
    record: replyHeader,
    values: fc.record({ xid: int, zxid: long, code: int }),
  },
  stat: { record: stat, values: statOf },
  acl: { record: acl, values: aclOf },
  setAclRequest: {
    record: setAclRequest,
    values: fc.record({ path: text, acl: aclOf, version: int }),
  },
  getAclReply: {
    record: getAclReply,
    values: fc.record({ acl: aclOf, stat: statOf }),
  },
  texts: { record: texts, values: list },
  pathOnly: { record: pathOnly, values: fc.record({ path: text }) },
  createRequest: { record: createRequest, values: fc.record(create) },
  created: { record: created, values: fc.record({ path: text, stat: statOf }) },
  versionedPath: {
    record: versionedPath,
    values: fc.record({ path: text, version: int }),
  },
  setDataRequest: {
    record: setDataRequest,
    values: fc.record({ path: text, data, version: int }),
  },
  watchablePath: {
    record: watchablePath,
    values: fc.record({ path: text, watch: fc.boolean() }),
  },
  getDataReply: {
    record: getDataReply,
    values: fc.record({ data, stat: statOf }),
  },
  getChildrenReply: {
    record: getChildrenReply,
    values: fc.record({ children: list }),
  },
  getChildren2Reply: {
    record: getChildren2Reply,
    values: fc.record({ children: list, stat: statOf }),
  },
  watcherEvent: {
    record: watcherEvent,
    values: fc.record({ type: int, state: int, path: text }),
  },
  setWatchesRequest: {
    record: setWatchesRequest,
    values: fc.record({
      relativeZxid: long,
      data: list,
      exist: list,
      children: list,
    }),
  },
  removeWatchesRequest: {
    record: removeWatchesRequest,
    values: fc.record({ path: text, type: int }),
  },
  authRequest: {
    record: authRequest,
    values: fc.record({ scheme: text, secret: bytes }),
  },
  saslToken: { record: saslToken, values: fc.record({ token: data }) },
  whoAmIReply: {
    record: whoAmIReply,
    values: fc.array(fc.record({ scheme: text, id: text }), { maxLength: 3 }),
  },
  multiRequest: {
    record: multiRequest,
    values: fc.array(
      fc.oneof(
        fc.record({
          type: fc.constantFrom('create', 'create2', 'createContainer'),
          ...create,
        }),
        fc.record({
          type: fc.constant('setData'),
          path: text,
          data,
          version: int,
        }),
        fc.record({
          type: fc.constantFrom('delete', 'check'),
          path: text,
          version: int,
        }),
      ),
      { maxLength: 4 },
    ),
  },
  multiReply: {
    record: multiReply,
    values: fc.array(
      fc.oneof(
        fc.record(
          { type: fc.constant('create'), path: text, stat: statOf },
          { requiredKeys: ['type', 'path'] },
        ),
        fc.record({ type: fc.constant('setData'), stat: statOf }),
        fc.record({ type: fc.constantFrom('delete', 'check') }),
        fc.record({ type: fc.constant('error'), code: int }),
      ),
      { maxLength: 4 },
    ),
  },
};
