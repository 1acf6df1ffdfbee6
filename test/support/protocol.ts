/** Numbers of ZooKeeper's wire protocol, by the names that tests use. */
export const OPCODES = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getACL: 6,
  setACL: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  removeWatches: 18,
  createContainer: 19,
  deleteContainer: 20,
  createTTL: 21,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  setWatches2: 105,
  addWatch: 106,
  closeSession: -11,
} as const;

export type Opcode = keyof typeof OPCODES;

export const ERRORS = {
  [-1]: 'SYSTEM_ERROR',
  [-3]: 'DATA_INCONSISTENCY',
  [-4]: 'CONNECTION_LOSS',
  [-5]: 'MARSHALLING_ERROR',
  [-6]: 'UNIMPLEMENTED',
  [-7]: 'OPERATION_TIMEOUT',
  [-8]: 'BAD_ARGUMENTS',
  [-101]: 'NO_NODE',
  [-102]: 'NO_AUTH',
  [-103]: 'BAD_VERSION',
  [-108]: 'NO_CHILDREN_FOR_EPHEMERALS',
  [-110]: 'NODE_EXISTS',
  [-111]: 'NOT_EMPTY',
  [-112]: 'SESSION_EXPIRED',
  [-114]: 'INVALID_ACL',
  [-115]: 'AUTH_FAILED',
  [-118]: 'SESSION_MOVED',
  [-119]: 'NOT_READONLY',
} as const;

export type ErrorName = (typeof ERRORS)[keyof typeof ERRORS];

/** Replies that answer no request of their own are numbered with these. */
export const XID_WATCH_EVENT = -1;
export const XID_PING = -2;
export const XID_AUTH = -4;
export const XID_SET_WATCHES = -8;

export function errorName(code: number): ErrorName {
  return (ERRORS as Record<number, ErrorName>)[code] ?? 'SYSTEM_ERROR';
}

export function opcodeName(code: number): Opcode | `opcode ${number}` {
  const entry = Object.entries(OPCODES).find(([, value]) => value === code);
  return entry ? (entry[0] as Opcode) : `opcode ${code}`;
}
