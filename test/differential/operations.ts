import type { Acl } from '../../lib/zookeeper/codec/acl.record.js';
import type { JuteReader } from '../../lib/zookeeper/codec/jute-reader.js';
import type { JuteWriter } from '../../lib/zookeeper/codec/jute-writer.js';
import type { MultiOperation } from '../../lib/testing/server/multi.record.js';
import {
  createRequest,
  pathOnly,
  texts,
} from '../../lib/zookeeper/codec/node.records.js';
import { SERVER_OPCODES } from '../../lib/testing/server/server-opcodes.js';
import { ALL_OPERATIONS } from '../support/operations.js';
import {
  getChildrenReply,
  getDataReply,
} from '../../lib/testing/server/server.records.js';

type Data = string | null;

/** One request of a history. Paths are below the history's own node. */
export type Op =
  | {
      readonly type: 'create' | 'create2' | 'createContainer';
      readonly path: string;
      readonly data: Data;
      readonly acl: Acl;
      readonly flags: number;
    }
  | {
      readonly type: 'createTtl';
      readonly path: string;
      readonly flags: number;
      readonly ttl: number;
    }
  | {
      readonly type: 'delete';
      readonly path: string;
      readonly version: number;
    }
  | {
      readonly type: 'setData';
      readonly path: string;
      readonly data: Data;
      readonly version: number;
    }
  | {
      readonly type: 'setAcl';
      readonly path: string;
      readonly acl: Acl;
      readonly version: number;
    }
  | {
      readonly type: 'exists' | 'getData' | 'getChildren' | 'getChildren2';
      readonly path: string;
      readonly watch: boolean;
    }
  | {
      readonly type:
        'getAcl' | 'sync' | 'getEphemerals' | 'getAllChildrenNumber';
      readonly path: string;
    }
  | { readonly type: 'ping' | 'whoAmI' | 'reconfig' }
  | { readonly type: 'multi'; readonly operations: readonly MultiOperation[] }
  | {
      readonly type: 'multiRead';
      readonly reads: readonly {
        readonly type: 'getData' | 'getChildren';
        readonly path: string;
      }[];
    }
  | {
      readonly type: 'addWatch';
      readonly path: string;
      readonly mode: number;
    }
  | {
      readonly type: 'removeWatches' | 'checkWatches';
      readonly path: string;
      readonly watcher: number;
    }
  | {
      readonly type: 'setWatches' | 'setWatches2';
      /** How many transactions back. */
      readonly since: number;
      readonly data: readonly string[];
      readonly exist: readonly string[];
      readonly children: readonly string[];
      readonly persistent: readonly string[];
      readonly recursive: readonly string[];
    }
  | { readonly type: 'auth'; readonly scheme: string; readonly secret: string }
  | { readonly type: 'unknown'; readonly opcode: number };

export type OpType = Op['type'];

const OPEN: Acl = [{ permissions: 31, scheme: 'world', id: 'anyone' }];

export function opcodeOf(op: Op): number {
  return op.type === 'unknown' ? op.opcode : SERVER_OPCODES[op.type];
}

/**
 * @param at the path of a node of the history
 * @param zxid the last one that the connection has seen
 */
export function writeRequest(
  writer: JuteWriter,
  op: Op,
  at: (path: string) => string,
  zxid: number,
): void {
  const all = (paths: readonly string[]): string[] => paths.map(at);
  switch (op.type) {
    case 'create':
    case 'create2':
    case 'createContainer':
      createRequest.write(writer, { ...op, path: at(op.path) });
      break;
    case 'createTtl':
      createRequest.write(writer, {
        path: at(op.path),
        data: null,
        acl: OPEN,
        flags: op.flags,
      });
      writer.long(op.ttl);
      break;
    case 'delete':
      ALL_OPERATIONS.delete.request.write(writer, { ...op, path: at(op.path) });
      break;
    case 'setData':
      ALL_OPERATIONS.setData.request.write(writer, {
        ...op,
        path: at(op.path),
      });
      break;
    case 'setAcl':
      ALL_OPERATIONS.setAcl.request.write(writer, { ...op, path: at(op.path) });
      break;
    case 'exists':
    case 'getData':
    case 'getChildren':
    case 'getChildren2':
      ALL_OPERATIONS.exists.request.write(writer, { ...op, path: at(op.path) });
      break;
    case 'getAcl':
    case 'sync':
    case 'getEphemerals':
    case 'getAllChildrenNumber':
      pathOnly.write(writer, { path: at(op.path) });
      break;
    case 'multi':
      ALL_OPERATIONS.multi.request.write(
        writer,
        op.operations.map((each) => ({ ...each, path: at(each.path) })),
      );
      break;
    case 'multiRead':
      for (const { type, path } of op.reads) {
        writer
          .int(SERVER_OPCODES[type])
          .bool(false)
          .int(-1)
          .text(at(path))
          .bool(false);
      }
      writer.int(-1).bool(true).int(-1);
      break;
    case 'addWatch':
      writer.text(at(op.path)).int(op.mode);
      break;
    case 'removeWatches':
    case 'checkWatches':
      writer.text(at(op.path)).int(op.watcher);
      break;
    case 'setWatches':
    case 'setWatches2':
      ALL_OPERATIONS.setWatches.request.write(writer, {
        relativeZxid: zxid - op.since,
        data: all(op.data),
        exist: all(op.exist),
        children: all(op.children),
      });
      if (op.type === 'setWatches2') {
        texts.write(writer, all(op.persistent));
        texts.write(writer, all(op.recursive));
      }
      break;
    case 'auth':
      ALL_OPERATIONS.auth.request.write(writer, op);
      break;
    case 'reconfig':
      writer.text('').text('').text('').long(-1);
      break;
    case 'ping':
    case 'whoAmI':
    case 'unknown':
  }
}

/** What an answer without an error says. */
export function readReply(reader: JuteReader, type: OpType): unknown {
  switch (type) {
    case 'createTtl':
      return ALL_OPERATIONS.create2.reply.read(reader);
    case 'getEphemerals':
      return texts.read(reader);
    case 'getAllChildrenNumber':
    case 'addWatch':
      return reader.int();
    case 'multiRead':
      return readMultiRead(reader);
    case 'setWatches2':
    case 'reconfig':
    case 'unknown':
      return undefined;
    default:
      return ALL_OPERATIONS[type].reply.read(reader);
  }
}

function readMultiRead(reader: JuteReader): unknown[] {
  const all: unknown[] = [];
  for (;;) {
    const type = reader.int();
    const isEnd = reader.bool();
    const code = reader.int();
    if (isEnd) {
      return all;
    }
    if (type === SERVER_OPCODES.getData) {
      all.push(getDataReply.read(reader));
    } else if (type === SERVER_OPCODES.getChildren) {
      all.push(getChildrenReply.read(reader));
    } else {
      all.push({ type, code, again: reader.int() });
    }
  }
}
