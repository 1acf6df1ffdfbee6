import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';

/** All child processes of this one, from any caller. */
const children = new Set<ChildProcess>();

subscribe('child_process', (message) => {
  const child = (message as { process: ChildProcess }).process;
  children.add(child);
  child.once('exit', () => children.delete(child));
});

/**
 * Ends all channels to the processes that have been started, as code may do that
 * closes what it does not know.
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
}
