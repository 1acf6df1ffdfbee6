import type { JuteReader } from '../../zookeeper/codec/jute-reader.js';
import {
  bool,
  int,
  record,
  type JuteRecord,
  type ReadAs,
  type WrittenAs,
} from '../../zookeeper/codec/jute-record.js';
import type { JuteWriter } from '../../zookeeper/codec/jute-writer.js';
import {
  createRequest,
  pathOnly,
  setDataRequest,
  versionedPath,
} from '../../zookeeper/codec/node.records.js';
import { stat, type Stat } from '../../zookeeper/codec/stat.record.js';
import { SERVER_OPCODES } from './server-opcodes.js';
import { created } from './server.records.js';

type Part = JuteRecord<never, object>;

const REQUESTS = {
  create: createRequest,
  create2: createRequest,
  createContainer: createRequest,
  setData: setDataRequest,
  delete: versionedPath,
  check: versionedPath,
} as const;

type Requests = typeof REQUESTS;
type RequestType = keyof Requests;

/** One request of a transaction. */
export type MultiOperation = {
  [Type in RequestType]: { readonly type: Type } & WrittenAs<Requests[Type]>;
}[RequestType];

/** One request of a transaction, as a server reads it. */
export type ReadMultiOperation = {
  [Type in RequestType]: { readonly type: Type } & ReadAs<Requests[Type]>;
}[RequestType];

/** The result of one request of a transaction. */
export type MultiResult =
  | { readonly type: 'create'; readonly path: string; readonly stat?: Stat }
  | { readonly type: 'setData'; readonly stat: Stat }
  | { readonly type: 'delete' | 'check' }
  | { readonly type: 'error'; readonly code: number };

const TYPE_ERROR = -1;

const REQUEST_TYPES = new Map(
  (Object.keys(REQUESTS) as RequestType[]).map((type) => [
    SERVER_OPCODES[type],
    type,
  ]),
);

const REPLIES = new Map<number, [type: MultiResult['type'], part: Part]>([
  [TYPE_ERROR, ['error', record({ code: int })]],
  [SERVER_OPCODES.create, ['create', pathOnly]],
  [SERVER_OPCODES.create2, ['create', created]],
  [SERVER_OPCODES.createContainer, ['create', created]],
  [SERVER_OPCODES.setData, ['setData', record({ stat })]],
  [SERVER_OPCODES.delete, ['delete', record({})]],
  [SERVER_OPCODES.check, ['check', record({})]],
]);

/** In front of each part, and at the end. */
const header = record({ type: int, isEnd: bool, code: int });
const END = { type: TYPE_ERROR, isEnd: true, code: -1 };

function writePart(
  writer: JuteWriter,
  part: Part,
  value: object,
  type: number,
  code: number,
): void {
  header.write(writer, { type, isEnd: false, code });
  part.write(writer, value as never);
}

function readAll<T>(
  reader: JuteReader,
  partOf: (type: number) => readonly [type: string, part: Part] | undefined,
): T[] {
  const all: T[] = [];
  for (;;) {
    const { type, isEnd } = header.read(reader);
    if (isEnd) {
      return all;
    }
    const found = partOf(type);
    if (!found) {
      throw new RangeError(`a transaction with a part of type ${type}`);
    }
    const [name, part] = found;
    all.push({ type: name, ...part.read(reader) } as T);
  }
}

export const multiRequest: JuteRecord<
  readonly MultiOperation[],
  ReadMultiOperation[]
> = {
  write(writer, operations) {
    for (const operation of operations) {
      const { type } = operation;
      writePart(writer, REQUESTS[type], operation, SERVER_OPCODES[type], -1);
    }
    header.write(writer, END);
  },
  read: (reader) =>
    readAll(reader, (opcode) => {
      const type = REQUEST_TYPES.get(
        opcode as (typeof SERVER_OPCODES)[RequestType],
      );
      return type && [type, REQUESTS[type]];
    }),
};

/**
 * Where a transaction has failed, each result is an error: 0 before the request
 * that failed, its own code, and -2 after it.
 */
export const multiReply: JuteRecord<readonly MultiResult[], MultiResult[]> = {
  write(writer, results) {
    for (const result of results) {
      const opcode = replyOpcode(result);
      const [, part] = REPLIES.get(opcode) as [string, Part];
      const code = result.type === 'error' ? result.code : 0;
      writePart(writer, part, result, opcode, code);
    }
    header.write(writer, END);
  },
  read: (reader) => readAll(reader, (opcode) => REPLIES.get(opcode)),
};

function replyOpcode(result: MultiResult): number {
  switch (result.type) {
    case 'error':
      return TYPE_ERROR;
    case 'create':
      return result.stat ? SERVER_OPCODES.create2 : SERVER_OPCODES.create;
    default:
      return SERVER_OPCODES[result.type];
  }
}
