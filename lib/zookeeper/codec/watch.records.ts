import type { JuteRecord } from './jute-record.js';
import { texts, type PathOnly } from './node.records.js';

/** What a server sends when a watch has fired, behind a reply header. */
export interface WatcherEvent extends PathOnly {
  /** See {@link EVENT_TYPES}; there may be others. */
  readonly type: number;
  /** The state of the session as the server sees it. */
  readonly state: number;
}

/** Sets again what a connection before has watched. */
export interface SetWatchesRequest {
  /** What has happened since this transaction fires at once. */
  readonly relativeZxid: number;
  readonly data: readonly string[];
  readonly exist: readonly string[];
  readonly children: readonly string[];
}

export interface RemoveWatchesRequest extends PathOnly {
  /** See {@link WATCHER_TYPES}. */
  readonly type: number;
}

/** `SyncConnected`, the only state of a session that gets events of nodes. */
export const STATE_CONNECTED = 3;

export const watcherEvent: JuteRecord<WatcherEvent> = {
  write(writer, { type, state, path }) {
    writer.int(type).int(state).text(path);
  },
  read: (reader) => ({
    type: reader.int(),
    state: reader.int(),
    path: reader.text(),
  }),
};

export const setWatchesRequest: JuteRecord<SetWatchesRequest> = {
  write(writer, value) {
    writer.long(value.relativeZxid);
    texts.write(writer, value.data);
    texts.write(writer, value.exist);
    texts.write(writer, value.children);
  },
  read: (reader) => ({
    relativeZxid: reader.long(),
    data: texts.read(reader),
    exist: texts.read(reader),
    children: texts.read(reader),
  }),
};

/** Of `removeWatches` and `checkWatches`. */
export const removeWatchesRequest: JuteRecord<RemoveWatchesRequest> = {
  write(writer, { path, type }) {
    writer.text(path).int(type);
  },
  read: (reader) => ({ path: reader.text(), type: reader.int() }),
};
