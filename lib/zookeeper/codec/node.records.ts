import { acl, type Acl } from './acl.record.js';
import type { JuteRecord } from './jute-record.js';
import { stat, type Stat } from './stat.record.js';

/** What a node may be given as its data. Null is not the same as empty. */
export type NodeData = string | Uint8Array | null;

/** Data that have been read: a view of the frame. Copy what you keep. */
export type ReadNodeData = Buffer | null;

export interface PathOnly {
  readonly path: string;
}

export interface CreateRequest<Data = NodeData> extends PathOnly {
  readonly data: Data;
  readonly acl: Acl;
  /** See {@link CREATE_FLAGS}. */
  readonly flags: number;
}

export interface VersionedPath extends PathOnly {
  /** The version that the node must have; -1: any. */
  readonly version: number;
}

export interface SetDataRequest<Data = NodeData> extends VersionedPath {
  readonly data: Data;
}

export interface WatchablePath extends PathOnly {
  readonly watch: boolean;
}

export interface Created extends PathOnly {
  readonly stat: Stat;
}

export interface GetDataReply<Data = NodeData> {
  readonly data: Data;
  readonly stat: Stat;
}

export interface GetChildrenReply {
  readonly children: string[];
}

export interface GetChildren2Reply extends GetChildrenReply {
  readonly stat: Stat;
}

/** A string is as long as its length, at least. */
const LEAST_TEXT_BYTES = 4;

export const texts: JuteRecord<readonly string[], string[]> = {
  write(writer, value) {
    writer.list(value, (to, text) => to.text(text));
  },
  read: (reader) => reader.list((from) => from.text(), LEAST_TEXT_BYTES),
};

export const pathOnly: JuteRecord<PathOnly> = {
  write(writer, { path }) {
    writer.text(path);
  },
  read: (reader) => ({ path: reader.text() }),
};

/** Of `create`, `create2` and `createContainer`. */
export const createRequest: JuteRecord<
  CreateRequest,
  CreateRequest<ReadNodeData>
> = {
  write(writer, value) {
    writer.text(value.path).buffer(value.data);
    acl.write(writer, value.acl);
    writer.int(value.flags);
  },
  read: (reader) => ({
    path: reader.text(),
    data: reader.buffer(),
    acl: acl.read(reader),
    flags: reader.int(),
  }),
};

/** Of `create2` and `createContainer`. */
export const created: JuteRecord<Created> = {
  write(writer, value) {
    writer.text(value.path);
    stat.write(writer, value.stat);
  },
  read: (reader) => ({ path: reader.text(), stat: stat.read(reader) }),
};

/** Of `delete` and, in a transaction, of `check`. */
export const versionedPath: JuteRecord<VersionedPath> = {
  write(writer, { path, version }) {
    writer.text(path).int(version);
  },
  read: (reader) => ({ path: reader.text(), version: reader.int() }),
};

export const setDataRequest: JuteRecord<
  SetDataRequest,
  SetDataRequest<ReadNodeData>
> = {
  write(writer, { path, data, version }) {
    writer.text(path).buffer(data).int(version);
  },
  read: (reader) => ({
    path: reader.text(),
    data: reader.buffer(),
    version: reader.int(),
  }),
};

/** Of `exists`, `getData` and `getChildren`. */
export const watchablePath: JuteRecord<WatchablePath> = {
  write(writer, { path, watch }) {
    writer.text(path).bool(watch);
  },
  read: (reader) => ({ path: reader.text(), watch: reader.bool() }),
};

export const getDataReply: JuteRecord<
  GetDataReply,
  GetDataReply<ReadNodeData>
> = {
  write(writer, value) {
    writer.buffer(value.data);
    stat.write(writer, value.stat);
  },
  read: (reader) => ({ data: reader.buffer(), stat: stat.read(reader) }),
};

export const getChildren2Reply: JuteRecord<GetChildren2Reply> = {
  write(writer, value) {
    texts.write(writer, value.children);
    stat.write(writer, value.stat);
  },
  read: (reader) => ({
    children: texts.read(reader),
    stat: stat.read(reader),
  }),
};

export const getChildrenReply: JuteRecord<GetChildrenReply> = {
  write(writer, { children }) {
    texts.write(writer, children);
  },
  read: (reader) => ({ children: texts.read(reader) }),
};
