/** What has something to do when the process exits. */
export interface ClosesAtExit {
  /** Is called while no event loop runs any more; must not throw. */
  closeAtExit(): void;
}

const registered = new Set<ClosesAtExit>();

/** Has `closer` called when the process exits. */
export function closeAtExit(closer: ClosesAtExit): void {
  if (registered.size === 0) {
    process.on('exit', closeAll);
  }
  registered.add(closer);
}

/** Undoes {@link closeAtExit}. */
export function forgetAtExit(closer: ClosesAtExit): void {
  if (registered.delete(closer) && registered.size === 0) {
    process.off('exit', closeAll);
  }
}

function closeAll(): void {
  for (const closer of registered) {
    closer.closeAtExit();
  }
}
