import { connect } from 'node:net';
import { FrameSplitter } from '../zookeeper/codec/frame-splitter.js';
import { JuteWriter } from '../zookeeper/codec/jute-writer.js';
import {
  connectReply,
  connectRequest,
} from '../zookeeper/codec/connect.record.js';
import { replyHeader, requestHeader } from '../zookeeper/codec/headers.js';
import { OPCODES } from '../zookeeper/codec/opcodes.js';
import { XIDS } from '../zookeeper/codec/xids.js';
import type { AttachRequest, Attachment } from './attachment.interface.js';

const CLOSE_XID = 1;
const LONGEST_FRAME_BYTES = 64 * 1024;

/** Takes the session over on a connection of its own. */
export function attach(request: AttachRequest): Attachment {
  const { session, server, isClosing } = request;
  const writer = new JuteWriter();
  let isAttached = false;
  let isSessionOver = false;
  const socket = connect({
    host: server.host,
    port: server.port,
    noDelay: true,
  });
  const splitter = new FrameSplitter(LONGEST_FRAME_BYTES, (reader) => {
    request.onAnswer();
    if (!isAttached) {
      const reply = connectReply.read(reader);
      isSessionOver = reply.sessionTimeoutMs <= 0;
      isAttached = !isSessionOver;
      if (isAttached) {
        request.onAttached();
      } else {
        socket.destroy();
      }
    } else if (replyHeader.read(reader).xid === CLOSE_XID) {
      isSessionOver = true;
      socket.destroy();
    }
  });
  const say = (xid: number, opcode: number): void => {
    requestHeader.write(writer.begin(), { xid, opcode });
    writer.end();
  };
  socket.on('connect', () => {
    connectRequest.write(writer.begin(), {
      protocolVersion: 0,
      lastZxidSeen: 0,
      sessionTimeoutMs: session.sessionTimeoutMs,
      sessionId: session.sessionId,
      password: session.password,
      isReadOnlyAllowed: false,
    });
    writer.end();
    if (isClosing) {
      say(CLOSE_XID, OPCODES.closeSession);
    }
    socket.write(writer.give());
  });
  socket.on('data', (chunk: Buffer) => {
    try {
      splitter.push(chunk);
    } catch {
      socket.destroy();
    }
  });
  socket.on('error', () => undefined);
  socket.on('close', () => request.onEnd(isSessionOver));
  return {
    ping: () => {
      say(XIDS.ping, OPCODES.ping);
      socket.write(writer.give());
    },
    close: () => {
      say(CLOSE_XID, OPCODES.closeSession);
      socket.write(writer.give());
    },
    drop: () => {
      splitter.stop();
      socket.removeAllListeners('close');
      socket.destroy();
    },
  };
}
