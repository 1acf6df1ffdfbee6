// @ts-check
/**
 * Blocks the event loop of this process.
 *
 * @param {number} ms
 */
export function blockEventLoop(ms) {
  const until = performance.now() + ms;
  while (performance.now() < until) {
    // Nothing else happens meanwhile.
  }
}
