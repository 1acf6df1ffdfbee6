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
