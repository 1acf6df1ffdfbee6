import { getAclReply, PERMISSIONS } from '../../zookeeper/codec/acl.record.js';
import type { JuteReader } from '../../zookeeper/codec/jute-reader.js';
import {
  pathOnly,
  texts,
  watchablePath,
  type WatchablePath,
} from '../../zookeeper/codec/node.records.js';
import { RESULT_CODES } from '../../zookeeper/codec/result-codes.js';
import { stat } from '../../zookeeper/codec/stat.record.js';
import { removeWatchesRequest } from '../../zookeeper/codec/watch.records.js';
import { checkAccess, maskedAcl, permits } from './access.js';
import type { Body } from './answer.js';
import type { Store } from './apply.js';
import { multiRead } from './multi-read.js';
import type { Requester } from './prepare.js';
import { Refusal } from './refusal.js';
import type { ReleaseTraits } from './release.js';
import type { ServerOpcode } from './server-opcodes.js';
import {
  getChildren2Reply,
  getChildrenReply,
  getDataReply,
  setWatchesRequest,
  whoAmIReply,
} from './server.records.js';
import type { TreeNode } from './tree-node.js';
import type { Watcher } from './watch-table.js';

/** A connection, as far as requests know it. */
export interface Peer extends Requester, Watcher {}

export interface ReadContext extends Store {
  readonly peer: Peer;
  readonly traits: ReleaseTraits;
}

type Read = (reader: JuteReader, context: ReadContext) => Body | undefined;

/** `addWatch` with these modes; any other is refused. */
const ADD_WATCH_MODES = { persistent: 0, recursive: 1 };

/** The requests that change nothing but watches. */
const READS = {
  exists(reader, context) {
    const { path, watch } = watchablePath.read(reader);
    if (path.includes('\0')) {
      throw new Refusal(RESULT_CODES.badArguments);
    }
    const { tree, watches, peer, traits } = context;
    const node = tree.get(path);
    if (node && traits.existsNeedsRead) {
      checkAccess(node.acl, PERMISSIONS.read, peer.identities);
    }
    if (watch) {
      watches.watchData(path, peer);
    }
    if (!node) {
      throw new Refusal(RESULT_CODES.noNode);
    }
    return (writer) => stat.write(writer, node.stat);
  },
  getData(reader, context) {
    const request = watchablePath.read(reader);
    const node = readable(request.path, context);
    if (request.watch) {
      context.watches.watchData(request.path, context.peer);
    }
    return (writer) => getDataReply.write(writer, node);
  },
  getChildren(reader, context) {
    const { children } = readChildren(watchablePath.read(reader), context);
    const reply = { children: [...children] };
    return (writer) => getChildrenReply.write(writer, reply);
  },
  getChildren2(reader, context) {
    const node = readChildren(watchablePath.read(reader), context);
    const reply = { children: [...node.children], stat: node.stat };
    return (writer) => getChildren2Reply.write(writer, reply);
  },
  getAcl(reader, { tree, peer }) {
    const node = tree.get(pathOnly.read(reader).path);
    if (!node) {
      throw new Refusal(RESULT_CODES.noNode);
    }
    const { identities } = peer;
    checkAccess(node.acl, PERMISSIONS.read | PERMISSIONS.admin, identities);
    const acl = permits(node.acl, PERMISSIONS.admin, identities)
      ? node.acl
      : maskedAcl(node.acl);
    return (writer) => getAclReply.write(writer, { acl, stat: node.stat });
  },
  getAllChildrenNumber(reader, context) {
    const { path } = pathOnly.read(reader);
    readable(path, context);
    return (writer) => void writer.int(context.tree.countBelow(path));
  },
  getEphemerals(reader, { tree, peer }) {
    const { path } = pathOnly.read(reader);
    const prefix = path.trim() === '/' ? '' : path;
    const paths = tree
      .ephemeralsOf(peer.session)
      .filter((each) => prefix.trim() === '' || each.startsWith(prefix));
    return (writer) => texts.write(writer, paths);
  },
  multiRead: (reader, context) =>
    multiRead(reader, (type, path) =>
      type === 'getData'
        ? readable(path, context)
        : readChildren({ path, watch: false }, context),
    ),
  sync(reader) {
    const request = pathOnly.read(reader);
    return (writer) => pathOnly.write(writer, request);
  },
  ping: () => undefined,
  whoAmI:
    (_reader, { peer }) =>
    (writer) =>
      whoAmIReply.write(writer, peer.identities.users),
  setWatches(reader, { tree, watches, peer }) {
    const request = setWatchesRequest.read(reader);
    watches.setAll({ ...request, persistent: [], recursive: [] }, tree, peer);
    return undefined;
  },
  setWatches2(reader, { tree, watches, peer }) {
    const request = setWatchesRequest.read(reader);
    const persistent = texts.read(reader);
    const recursive = texts.read(reader);
    watches.setAll({ ...request, persistent, recursive }, tree, peer);
    return undefined;
  },
  addWatch(reader, { watches, peer }) {
    const path = reader.text();
    const mode = reader.int();
    if (!Object.values(ADD_WATCH_MODES).includes(mode)) {
      throw new Refusal(RESULT_CODES.marshallingError);
    }
    watches.watchForGood(path, peer, mode === ADD_WATCH_MODES.recursive);
    return (writer) => void writer.int(RESULT_CODES.ok);
  },
  checkWatches(reader, { watches, peer }) {
    const { path, type } = removeWatchesRequest.read(reader);
    watches.check(path, type, peer);
    return undefined;
  },
  removeWatches(reader, { watches, peer }) {
    const { path, type } = removeWatchesRequest.read(reader);
    watches.remove(path, type, peer);
    return undefined;
  },
} as const satisfies Partial<Record<ServerOpcode, Read>>;

type ReadName = keyof typeof READS;

export function isRead(name: ServerOpcode): name is ReadName {
  return name in READS;
}

/** @throws {Refusal} */
export function read(
  name: ReadName,
  reader: JuteReader,
  context: ReadContext,
): Body | undefined {
  const one: Read = READS[name];
  return one(reader, context);
}

/** @throws {Refusal} */
function readable(path: string, { tree, peer }: ReadContext): TreeNode {
  const node = tree.get(path);
  if (!node) {
    throw new Refusal(RESULT_CODES.noNode);
  }
  checkAccess(node.acl, PERMISSIONS.read, peer.identities);
  return node;
}

function readChildren(
  { path, watch }: WatchablePath,
  context: ReadContext,
): TreeNode {
  const node = readable(path, context);
  if (watch) {
    context.watches.watchChildren(path, context.peer);
  }
  return node;
}
