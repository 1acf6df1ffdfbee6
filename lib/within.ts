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
