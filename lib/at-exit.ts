/** Calls that end sessions, for when this process exits. */
const closers = new Set<() => void>();

/**
 * Has `close` called when this process exits, while no event loop runs: it may
 * write, and wait for nothing. Returns a function that undoes it.
 */
export function closeAtExit(close: () => void): () => void {
  if (closers.size === 0) {
    process.on('exit', closeAll);
  }
  closers.add(close);
  return () => {
    if (closers.delete(close) && closers.size === 0) {
      process.off('exit', closeAll);
    }
  };
}

function closeAll(): void {
  for (const close of closers) {
    close();
  }
}
