import { lstatSync, type Stats } from 'node:fs';
import { connect, Socket } from 'node:net';
import { messageOf } from '../../message-of.js';
import { toSocketPath } from '../socket-address.js';
import type { GuardianLink, LinkEnd } from './guardian-link.js';

/** The way to a guardian that listens: of `run`, or in a sidecar. */
export class SocketGuardian implements GuardianLink {
  readonly stream: Socket;
  onEnd: (end: LinkEnd) => void = () => undefined;

  constructor(address: string) {
    const problem = address.startsWith('@')
      ? undefined
      : describeUnsafeSocket(address);
    if (problem === undefined) {
      this.stream = connect(toSocketPath(address)).unref();
    } else {
      this.stream = new Socket();
      process.nextTick(() => this.stream.destroy());
    }
    let error: NodeJS.ErrnoException | undefined;
    this.stream
      .on('error', (reason) => {
        error = reason;
      })
      .on('close', () => {
        this.onEnd({
          description:
            problem !== undefined
              ? `at ${address} is not used: ${problem}`
              : error?.syscall === 'connect'
                ? `cannot be reached at ${address} (${error.code})`
                : 'has closed the connection',
          isNobodyThere: error?.code === 'ECONNREFUSED',
        });
      });
  }

  destroy(): void {
    this.stream.destroy();
  }

  isRunning(): boolean {
    return false;
  }
}

/**
 * Passwords and keys go over the socket: it has to belong to the user of this
 * process, and to nobody else.
 */
function describeUnsafeSocket(path: string): string | undefined {
  let stats: Stats | undefined;
  try {
    stats = lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    return `it cannot be looked at (${messageOf(error)})`;
  }
  if (!stats) {
    return 'there is no such file';
  }
  if (!stats.isSocket()) {
    return 'it is not a socket';
  }
  const user = process.geteuid?.();
  if (user !== undefined && stats.uid !== user) {
    return (
      `it belongs to the user ${stats.uid}, and this process runs as ${user}. ` +
      'Run the guardian as the same user'
    );
  }
  return (stats.mode & 0o077) === 0
    ? undefined
    : 'other users may connect to it. Let the guardian create it, or chmod 600';
}
