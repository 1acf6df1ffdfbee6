import { int, record, text } from './jute-record.js';

/** What a server sends when a watch has fired, behind a reply header. */
export const watcherEvent = record({
  /** See {@link EVENT_TYPES}; there may be others. */
  type: int,
  /** The state of the session as the server sees it. */
  state: int,
  path: text,
});

/** Type: {@link WATCHER_TYPES}. */
export const removeWatchesRequest = record({ path: text, type: int });
