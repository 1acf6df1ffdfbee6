import type { NodeContent } from '../zookeeper/zookeeper-client.interface.js';

/** Reads a content once, for as long as it is kept: the same result each time. */
export function memoized<Result, Rest extends unknown[]>(
  read: (content: NodeContent, ...rest: Rest) => Result,
): (content: NodeContent, ...rest: Rest) => Result {
  const known = new WeakMap<NodeContent, { readonly result: Result }>();
  return (content, ...rest) => {
    let entry = known.get(content);
    if (!entry) {
      entry = { result: read(content, ...rest) };
      known.set(content, entry);
    }
    return entry.result;
  };
}
