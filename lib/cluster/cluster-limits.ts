import type { NodeAspect } from './watched-node.js';

/** Enough for people to look at; the rest is counted. */
export const MOST_LISTED = {
  elections: 200,
  participants: 20,
  tasks: 200,
  instances: 300,
  drains: 200,
  groups: 50,
  /** Partitions whose owner's node is read, of all groups. */
  owners: 1_000,
};

/** By what a node's aspect is found. */
export function nodeKey(path: string, aspect: NodeAspect): string {
  return `${aspect} ${path}`;
}
