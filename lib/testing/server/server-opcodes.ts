import { OPCODES } from '../../zookeeper/codec/opcodes.js';

/** All requests that clients may make, those included that ours does not. */
export const SERVER_OPCODES = {
  ...OPCODES,
  exists: 3,
  getChildren: 8,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  checkWatches: 17,
  deleteContainer: 20,
  createTtl: 21,
  multiRead: 22,
  setWatches: 101,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  setWatches2: 105,
  addWatch: 106,
  whoAmI: 107,
} as const;

export type ServerOpcode = keyof typeof SERVER_OPCODES;

const NAMES = new Map(
  Object.entries(SERVER_OPCODES).map(([name, opcode]) => [
    opcode as number,
    name as ServerOpcode,
  ]),
);

/** Undefined for one that servers do not know. */
export function nameOfOpcode(opcode: number): ServerOpcode | undefined {
  return NAMES.get(opcode);
}
