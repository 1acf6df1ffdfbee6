/** The number of each request that the client makes (`ZooDefs.OpCode`). */
export const OPCODES = {
  create: 1,
  delete: 2,
  getData: 4,
  setData: 5,
  getAcl: 6,
  setAcl: 7,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  removeWatches: 18,
  createContainer: 19,
  auth: 100,
  sasl: 102,
  closeSession: -11,
} as const;

/** What a node is created as (`CreateMode`). */
export const CREATE_FLAGS = {
  persistent: 0,
  ephemeral: 1,
  'persistent-sequential': 2,
  'ephemeral-sequential': 3,
  container: 4,
} as const;

/** What has happened to a watched node (`Watcher.Event.EventType`). */
export const EVENT_TYPES = {
  none: -1,
  created: 1,
  deleted: 2,
  changed: 3,
  children: 4,
} as const;

/** Which watches of a path are meant (`Watcher.WatcherType`). */
export const WATCHER_TYPES = { children: 1, data: 2, any: 3 } as const;
