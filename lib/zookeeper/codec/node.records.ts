import { acl } from './acl.record.js';
import {
  bool,
  buffer,
  int,
  list,
  record,
  text,
  type ReadAs,
} from './jute-record.js';

/** A string is as long as its length, at least. */
export const texts = list(text, 4);

export const pathOnly = record({ path: text });

/** Of `create`, `create2` and `createContainer`; flags: {@link CREATE_FLAGS}. */
export const createRequest = record({
  path: text,
  data: buffer,
  acl,
  flags: int,
});

/**
 * Of `delete` and, in a transaction, of `check`: the version that the node must
 * have; -1: any.
 */
export const versionedPath = record({ path: text, version: int });

export const setDataRequest = record({
  path: text,
  data: buffer,
  version: int,
});

/** Of `exists`, `getData` and `getChildren`. */
export const watchablePath = record({ path: text, watch: bool });

export type CreateRequest = ReadAs<typeof createRequest>;
export type SetDataRequest = ReadAs<typeof setDataRequest>;
export type VersionedPath = ReadAs<typeof versionedPath>;
export type WatchablePath = ReadAs<typeof watchablePath>;
