import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** All child processes of this one, and its outgoing connections, of any caller. */
const children = new Set<ChildProcess>();
const sockets = new Set<Socket>();

subscribe('child_process', (message) => {
  const child = (message as { process: ChildProcess }).process;
  children.add(child);
  child.once('exit', () => children.delete(child));
});

subscribe('net.client.socket', (message) => {
  const { socket } = message as { socket: Socket };
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
});

/**
 * Ends all channels to other processes of the machine, as code may do that closes
 * what it does not know.
 */
export function cutChannels(): void {
  for (const child of children) {
    if (child.connected) {
      child.disconnect();
    }
    for (const stream of child.stdio) {
      stream?.destroy();
    }
  }
  for (const socket of sockets) {
    // Only those to a path have none.
    if (!socket.connecting && socket.remoteAddress === undefined) {
      socket.destroy();
    }
  }
}
