import {
  multiReply,
  multiRequest,
} from '../../lib/testing/server/multi.record.js';
import { SERVER_OPCODES } from '../../lib/testing/server/server-opcodes.js';
import { OPERATIONS } from '../../lib/zookeeper/codec/operations.js';

/** What other clients ask a server for, too. */
export const SERVER_OPERATIONS = {
  ...OPERATIONS,
  multi: {
    name: 'multi',
    opcode: SERVER_OPCODES.multi,
    request: multiRequest,
    reply: multiReply,
  },
} as const;
