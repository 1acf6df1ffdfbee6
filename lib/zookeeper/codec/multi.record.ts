import type { JuteReader } from './jute-reader.js';
import type { JuteRecord } from './jute-record.js';
import type { JuteWriter } from './jute-writer.js';
import {
  created,
  createRequest,
  pathOnly,
  setDataRequest,
  versionedPath,
  type CreateRequest,
  type NodeData,
  type ReadNodeData,
  type SetDataRequest,
  type VersionedPath,
} from './node.records.js';
import { OPCODES } from './opcodes.js';
import { stat, type Stat } from './stat.record.js';

/** One request of a transaction. */
export type MultiOperation<Data = NodeData> =
  | (CreateRequest<Data> & {
      readonly type: 'create' | 'create2' | 'createContainer';
    })
  | (SetDataRequest<Data> & { readonly type: 'setData' })
  | (VersionedPath & { readonly type: 'delete' | 'check' });

/** The result of one request of a transaction. */
export type MultiResult =
  | { readonly type: 'create'; readonly path: string; readonly stat?: Stat }
  | { readonly type: 'setData'; readonly stat: Stat }
  | { readonly type: 'delete' | 'check' }
  | { readonly type: 'error'; readonly code: number };

const TYPE_ERROR = -1;

/** Between the requests, and between the results, of a transaction. */
function writeHeader(writer: JuteWriter, type: number, code: number): void {
  writer.int(type).bool(false).int(code);
}

function writeEnd(writer: JuteWriter): void {
  writer.int(TYPE_ERROR).bool(true).int(-1);
}

/** The type of what follows; undefined at the end. */
function readHeader(reader: JuteReader): number | undefined {
  const type = reader.int();
  const isEnd = reader.bool();
  reader.int();
  return isEnd ? undefined : type;
}

function readAll<T>(
  reader: JuteReader,
  readOne: (reader: JuteReader, type: number) => T,
): T[] {
  const all: T[] = [];
  for (;;) {
    const type = readHeader(reader);
    if (type === undefined) {
      return all;
    }
    all.push(readOne(reader, type));
  }
}

function unknown(type: number): RangeError {
  return new RangeError(`a transaction with a part of type ${type}`);
}

export const multiRequest: JuteRecord<
  readonly MultiOperation[],
  MultiOperation<ReadNodeData>[]
> = {
  write(writer, operations) {
    for (const operation of operations) {
      writeHeader(writer, OPCODES[operation.type], -1);
      switch (operation.type) {
        case 'setData':
          setDataRequest.write(writer, operation);
          break;
        case 'delete':
        case 'check':
          versionedPath.write(writer, operation);
          break;
        default:
          createRequest.write(writer, operation);
      }
    }
    writeEnd(writer);
  },
  read: (reader) =>
    readAll(reader, (from, type): MultiOperation<ReadNodeData> => {
      switch (type) {
        case OPCODES.create:
          return { type: 'create', ...createRequest.read(from) };
        case OPCODES.create2:
          return { type: 'create2', ...createRequest.read(from) };
        case OPCODES.createContainer:
          return { type: 'createContainer', ...createRequest.read(from) };
        case OPCODES.setData:
          return { type: 'setData', ...setDataRequest.read(from) };
        case OPCODES.delete:
          return { type: 'delete', ...versionedPath.read(from) };
        case OPCODES.check:
          return { type: 'check', ...versionedPath.read(from) };
        default:
          throw unknown(type);
      }
    }),
};

/**
 * Where a transaction has failed, each result is an error: 0 before the request
 * that failed, its own code, and -2 after it.
 */
export const multiReply: JuteRecord<readonly MultiResult[], MultiResult[]> = {
  write(writer, results) {
    for (const result of results) {
      switch (result.type) {
        case 'error':
          writeHeader(writer, TYPE_ERROR, result.code);
          writer.int(result.code);
          break;
        case 'create':
          writeHeader(
            writer,
            result.stat ? OPCODES.create2 : OPCODES.create,
            0,
          );
          writer.text(result.path);
          if (result.stat) {
            stat.write(writer, result.stat);
          }
          break;
        case 'setData':
          writeHeader(writer, OPCODES.setData, 0);
          stat.write(writer, result.stat);
          break;
        default:
          writeHeader(writer, OPCODES[result.type], 0);
      }
    }
    writeEnd(writer);
  },
  read: (reader) =>
    readAll(reader, (from, type): MultiResult => {
      switch (type) {
        case TYPE_ERROR:
          return { type: 'error', code: from.int() };
        case OPCODES.create:
          return { type: 'create', ...pathOnly.read(from) };
        case OPCODES.create2:
        case OPCODES.createContainer:
          return { type: 'create', ...created.read(from) };
        case OPCODES.setData:
          return { type: 'setData', stat: stat.read(from) };
        case OPCODES.delete:
          return { type: 'delete' };
        case OPCODES.check:
          return { type: 'check' };
        default:
          throw unknown(type);
      }
    }),
};
