/**
 * Waits until all promises have settled, but no longer than `timeoutMs`.
 * Resolves to whether they have; never rejects.
 */
export async function settledWithin(
  promises: Iterable<Promise<unknown>>,
  timeoutMs: number,
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false);
  });
  const settled = Promise.allSettled(promises).then(() => true);
  const isSettled = await Promise.race([settled, timeout]);
  clearTimeout(timer);
  return isSettled;
}

/** A timer that is given more fires at once. */
const LONGEST_PAUSE_MS = 2 ** 31 - 1;

/** Resolves after `pauseMs`, at most 24 days, or when `signal` aborts. */
export function pause(pauseMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', settle);
      resolve();
    };
    const timer = setTimeout(settle, Math.min(pauseMs, LONGEST_PAUSE_MS));
    signal.addEventListener('abort', settle, { once: true });
  });
}

// Taken at import: fake timers of a test would hold work back.
const { setImmediate } = globalThis;

/** Resolves in the next turn of the event loop: others have their turn before. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/**
 * Milliseconds before another try: doubled after each failure, up to a cap.
 *
 * @param failures how often it has failed in a row: 1 or more
 */
export function backoff(
  failures: number,
  firstMs: number,
  longestMs: number,
): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 40));
}
