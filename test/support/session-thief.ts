import { once } from 'node:events';
import { connect } from 'node:net';
import { FrameSplitter } from './frame-splitter.js';
import { JuteWriter } from './jute.js';
import { OPCODES } from './protocol.js';
import { waitFor } from './wait-for.js';

/** The constant that every ZooKeeper server has. */
const SUPER_SECRET = 0xb3415c00n;

/**
 * The password of a session, as every ZooKeeper server computes it: 16 bytes of
 * Java's `Random`, seeded with the number of the session and a constant. A
 * client that knows the number knows the password.
 */
export function sessionPassword(sessionId: string): Buffer {
  const [multiplier, mask] = [0x5deece66dn, (1n << 48n) - 1n];
  let seed = (BigInt(`0x${sessionId}`) ^ SUPER_SECRET ^ multiplier) & mask;
  const password = Buffer.alloc(16);
  for (let offset = 0; offset < password.length; offset += 4) {
    seed = (seed * multiplier + 0xbn) & mask;
    password.writeInt32LE(Number(BigInt.asIntN(32, seed >> 16n)), offset);
  }
  return password;
}

/**
 * Ends somebody's session. All that takes is in a single packet, and still the
 * client that has lost its connection to us may be faster, and take it back: we
 * say it again until the server does not know the session any more.
 */
export async function endSession(
  port: number,
  sessionId: string,
): Promise<void> {
  await waitFor(() => isGone(port, sessionId), {
    description: `session ${sessionId} to end`,
  });
}

/** Says that the session ends; returns whether the server knew none. */
async function isGone(port: number, sessionId: string): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  const handshake = new JuteWriter()
    .int(0)
    .long(0n)
    .int(10_000)
    .long(BigInt(`0x${sessionId}`))
    .buffer(sessionPassword(sessionId))
    .bool(false);
  const end = new JuteWriter().int(1).int(OPCODES.closeSession);
  socket.end(Buffer.concat([handshake.frame(), end.frame()]));
  const splitter = new FrameSplitter();
  const replies: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => replies.push(...splitter.push(chunk)));
  await once(socket, 'close');
  const [granted] = replies;
  // Length and version of the protocol come before the timeout: none, no session.
  return granted?.readInt32BE(8) === 0;
}
