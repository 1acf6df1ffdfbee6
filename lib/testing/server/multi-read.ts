import type { JuteReader } from '../../zookeeper/codec/jute-reader.js';
import type { JuteWriter } from '../../zookeeper/codec/jute-writer.js';
import { watchablePath } from '../../zookeeper/codec/node.records.js';
import type { Body } from './answer.js';
import { Refusal } from './refusal.js';
import { SERVER_OPCODES } from './server-opcodes.js';
import { getChildrenReply, getDataReply } from './server.records.js';
import type { TreeNode } from './tree-node.js';

/** What may be read together. */
export type MultiReadType = 'getData' | 'getChildren';

interface One {
  readonly type: MultiReadType;
  readonly path: string;
}

const ERROR = -1;
const NAMES = new Map<number, MultiReadType>([
  [SERVER_OPCODES.getData, 'getData'],
  [SERVER_OPCODES.getChildren, 'getChildren'],
]);

/** Reads several nodes; each that cannot be read is answered with an error. */
export function multiRead(
  reader: JuteReader,
  readOne: (type: MultiReadType, path: string) => TreeNode,
): Body {
  const requests = readAll(reader);
  return (writer) => {
    for (const { type, path } of requests) {
      try {
        writeOne(writer, type, readOne(type, path));
      } catch (error) {
        if (!(error instanceof Refusal)) {
          throw error;
        }
        writer.int(ERROR).bool(false).int(error.code).int(error.code);
      }
    }
    writer.int(ERROR).bool(true).int(-1);
  };
}

function readAll(reader: JuteReader): One[] {
  const requests: One[] = [];
  for (;;) {
    const type = NAMES.get(reader.int());
    const isEnd = reader.bool();
    reader.int();
    if (isEnd) {
      return requests;
    }
    if (!type) {
      throw new RangeError('only getData and getChildren can be read together');
    }
    requests.push({ type, path: watchablePath.read(reader).path });
  }
}

function writeOne(
  writer: JuteWriter,
  type: MultiReadType,
  node: TreeNode,
): void {
  writer.int(SERVER_OPCODES[type]).bool(false).int(0);
  if (type === 'getData') {
    getDataReply.write(writer, node);
  } else {
    getChildrenReply.write(writer, { children: [...node.children] });
  }
}
