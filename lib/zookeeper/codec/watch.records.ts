import { int, long, record, text, type WrittenAs } from './jute-record.js';
import { texts } from './node.records.js';

/** `SyncConnected`, the only state of a session that gets events of nodes. */
export const STATE_CONNECTED = 3;

/** What a server sends when a watch has fired, behind a reply header. */
export const watcherEvent = record({
  /** See {@link EVENT_TYPES}; there may be others. */
  type: int,
  /** The state of the session as the server sees it. */
  state: int,
  path: text,
});

/** Sets again what a connection before has watched. */
export type SetWatchesRequest = WrittenAs<typeof setWatchesRequest>;
export const setWatchesRequest = record({
  /** What has happened since this transaction fires at once. */
  relativeZxid: long,
  data: texts,
  exist: texts,
  children: texts,
});

/** Of `removeWatches` and `checkWatches`; type: {@link WATCHER_TYPES}. */
export const removeWatchesRequest = record({ path: text, type: int });
