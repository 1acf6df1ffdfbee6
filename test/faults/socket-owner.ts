import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * Which of some processes has a connection, by its two ports on this machine.
 * Undefined where none has, or the system has no /proc.
 */
export function socketOwner(
  localPort: number,
  remotePort: number,
  pids: readonly number[],
): number | undefined {
  const inode = inodeOf(localPort, remotePort);
  return inode === undefined
    ? undefined
    : pids.find((pid) => hasSocket(pid, inode));
}

function inodeOf(localPort: number, remotePort: number): string | undefined {
  try {
    for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n')) {
      const [, local = '', remote = '', , , , , , , inode] = line
        .trim()
        .split(/\s+/);
      if (portOf(local) === localPort && portOf(remote) === remotePort) {
        return inode;
      }
    }
  } catch {
    // No Linux.
  }
  return undefined;
}

/** `0100007F:1F90`: both parts are hexadecimal. */
function portOf(address: string): number {
  return Number.parseInt(address.split(':')[1] ?? '', 16);
}

function hasSocket(pid: number, inode: string): boolean {
  const directory = `/proc/${pid}/fd`;
  try {
    return readdirSync(directory).some((fd) => {
      try {
        return readlinkSync(`${directory}/${fd}`) === `socket:[${inode}]`;
      } catch {
        // Closed meanwhile.
        return false;
      }
    });
  } catch {
    // It has ended.
    return false;
  }
}
