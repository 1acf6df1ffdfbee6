import { JuteReader } from './jute.js';
import {
  errorName,
  type ErrorName,
  opcodeName,
  XID_WATCH_EVENT,
} from './protocol.js';

/** The real one, even if jest replaces it later. */
const { hrtime } = process;

/** One packet of a recorded connection, as far as tests look into it. */
export interface Frame {
  kind: 'request' | 'reply' | 'event';
  /** Counts the connections of the proxy from 1. */
  connection: number;
  /** When it reached the proxy: process.hrtime.bigint(). */
  atNs: bigint;
  /** 'create', 'getData', ...; 'connect' for the first; 'event' for events. */
  opcode: string;
  xid: number;
  /** Of the request, also in its reply; of the node for an event. */
  path?: string;
  /** A request that leaves a watch. */
  watch?: boolean;
  /** A reply that is not a success. */
  error?: ErrorName;
  /** The server's last zxid, in a reply. */
  zxid?: number;
  /** The complete path that a create returned. */
  createdPath?: string;
  /** What happened to the watched node. */
  event?: WatchEvent;
  /** Of the session, in a connect and its reply; enough to take it over. */
  sessionId?: string;
  password?: Buffer;
  timeoutMs?: number;
}

export type WatchEvent =
  'created' | 'deleted' | 'dataChanged' | 'childrenChanged' | `event ${number}`;

const WATCH_EVENTS: Record<number, WatchEvent> = {
  1: 'created',
  2: 'deleted',
  3: 'dataChanged',
  4: 'childrenChanged',
};

const WITH_PATH =
  /^(create|delete|exists|get|set(Data|ACL)|sync|check$|removeW|addW)/;
const WITH_WATCH = /^(exists|getData|getChildren2?)$/;
const CREATES = /^create/;

/**
 * Understands both directions of one connection: a reply names neither its
 * operation nor its path, so requests are kept until they are answered.
 */
export class FrameDecoder {
  private connectSeen = false;
  private connectAnswered = false;
  private readonly unanswered = new Map<number, Frame[]>();

  constructor(private readonly connection: number) {}

  request(packet: Buffer): Frame {
    const reader = new JuteReader(packet.subarray(4));
    if (!this.connectSeen) {
      this.connectSeen = true;
      reader.int();
      reader.long();
      return this.frame('request', 'connect', 0, readSession(reader));
    }
    const xid = reader.int();
    const opcode = opcodeName(reader.int());
    const details: Partial<Frame> = {};
    if (WITH_PATH.test(opcode)) {
      details.path = reader.string();
    }
    if (WITH_WATCH.test(opcode)) {
      details.watch = reader.bool();
    }
    const frame = this.frame('request', opcode, xid, details);
    const queue = this.unanswered.get(xid) ?? [];
    this.unanswered.set(xid, [...queue, frame]);
    return frame;
  }

  reply(packet: Buffer): Frame {
    const reader = new JuteReader(packet.subarray(4));
    if (!this.connectAnswered) {
      this.connectAnswered = true;
      reader.int();
      return this.frame('reply', 'connect', 0, readSession(reader));
    }
    const xid = reader.int();
    const zxid = reader.number();
    const error = reader.int();
    if (xid === XID_WATCH_EVENT) {
      const type = reader.int();
      reader.int();
      const event = WATCH_EVENTS[type] ?? (`event ${type}` as const);
      const details = { event, path: reader.string() };
      return this.frame('event', 'event', xid, details);
    }
    const request = this.unanswered.get(xid)?.shift();
    const opcode = request?.opcode ?? 'unknown';
    const frame = this.frame('reply', opcode, xid, { zxid });
    if (request?.path !== undefined) {
      frame.path = request.path;
    }
    if (error !== 0) {
      frame.error = errorName(error);
    } else if (CREATES.test(opcode)) {
      frame.createdPath = reader.string();
    }
    return frame;
  }

  private frame(
    kind: Frame['kind'],
    opcode: string,
    xid: number,
    details: Partial<Frame>,
  ): Frame {
    const atNs = hrtime.bigint();
    return { kind, connection: this.connection, atNs, opcode, xid, ...details };
  }
}

function readSession(reader: JuteReader): Partial<Frame> {
  const timeoutMs = reader.int();
  const sessionId = reader.hex();
  return { timeoutMs, sessionId, password: Buffer.from(reader.buffer()) };
}
