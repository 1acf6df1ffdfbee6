import type { KeeperProcess } from './keeper-process.js';

/** How long the end of the application waits for the keepers. */
const EXIT_WAIT_MS = 250;

/** Keepers to be taken along when this process exits. */
const running = new Set<KeeperProcess>();

/**
 * Has the keeper end its session when this process exits. In a container the
 * end of the application's process may end the keeper too. The session must be
 * closed before that, while no event loop runs.
 */
export function closeAtExit(keeper: KeeperProcess): void {
  if (running.size === 0) {
    process.on('exit', closeAll);
  }
  running.add(keeper);
}

/** Undoes {@link closeAtExit}. */
export function forgetAtExit(keeper: KeeperProcess): void {
  if (running.delete(keeper) && running.size === 0) {
    process.off('exit', closeAll);
  }
}

function closeAll(): void {
  for (const keeper of running) {
    keeper.send({ type: 'close' });
  }
  const deadline = performance.now() + EXIT_WAIT_MS;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  while (
    performance.now() < deadline &&
    [...running].some((keeper) => keeper.isRunning())
  ) {
    Atomics.wait(pause, 0, 0, 1);
  }
}
