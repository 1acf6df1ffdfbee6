import { readFileSync } from 'node:fs';
import {
  connectReply,
  connectRequest,
} from '../../../../lib/zookeeper/codec/connect.record.js';
import type { JuteRecord } from '../../../../lib/zookeeper/codec/jute-record.js';
import { JuteReader } from '../../../../lib/zookeeper/codec/jute-reader.js';
import { watcherEvent } from '../../../../lib/zookeeper/codec/watch.records.js';
import { XIDS } from '../../../../lib/zookeeper/codec/xids.js';
import { ALL_OPERATIONS } from '../../../support/operations.js';

/** One frame that ZooKeeper's own client or a real server has sent. */
export interface GoldenFrame {
  /** Such as `request create`; `event` for what nobody asked for. */
  readonly name: string;
  /** The code of a reply. */
  readonly code: number;
  readonly bytes: Buffer;
  /** Where the record begins: behind the header. */
  readonly start: number;
  readonly record: JuteRecord<never, unknown>;
}

interface Recording {
  readonly connections: readonly {
    readonly requests: readonly string[];
    readonly replies: readonly string[];
  }[];
}

const { connections } = JSON.parse(
  readFileSync(new URL('golden.json', import.meta.url), 'utf8'),
) as Recording;

const REQUEST_HEADER_BYTES = 8;
const REPLY_HEADER_BYTES = 16;

/** All of them, in the order in which they were sent. */
export function goldenFrames(): GoldenFrame[] {
  return connections.flatMap(({ requests, replies }) => {
    const names = new Map<number, keyof typeof ALL_OPERATIONS>();
    const asked = requests.map((hex, index): GoldenFrame => {
      const bytes = Buffer.from(hex, 'hex');
      if (index === 0) {
        const record: JuteRecord<never, unknown> = connectRequest;
        return { name: 'request connect', code: 0, bytes, start: 0, record };
      }
      const reader = new JuteReader(bytes);
      const xid = reader.int();
      const name = nameOf(reader.int());
      names.set(xid, name);
      return {
        name: `request ${name}`,
        code: 0,
        bytes,
        start: REQUEST_HEADER_BYTES,
        record: ALL_OPERATIONS[name].request,
      };
    });
    const answered = replies.map((hex, index): GoldenFrame => {
      const bytes = Buffer.from(hex, 'hex');
      if (index === 0) {
        const record: JuteRecord<never, unknown> = connectReply;
        return { name: 'reply connect', code: 0, bytes, start: 0, record };
      }
      const reader = new JuteReader(bytes);
      const xid = reader.int();
      reader.long();
      const code = reader.int();
      if (xid === XIDS.event) {
        const start = REPLY_HEADER_BYTES;
        return { name: 'event', code, bytes, start, record: watcherEvent };
      }
      const name = names.get(xid) as keyof typeof ALL_OPERATIONS;
      return {
        name: `reply ${name}`,
        code,
        bytes,
        start: REPLY_HEADER_BYTES,
        record: ALL_OPERATIONS[name].reply,
      };
    });
    return [...asked, ...answered];
  });
}

function nameOf(opcode: number): keyof typeof ALL_OPERATIONS {
  const found = Object.entries(ALL_OPERATIONS).find(
    ([, operation]) => operation.opcode === opcode,
  );
  if (!found) {
    throw new Error(`There is no operation ${opcode}.`);
  }
  return found[0] as keyof typeof ALL_OPERATIONS;
}
