import { expect, it } from '@jest/globals';
import { possibleFavourites } from '../../../lib/balance/favourites.js';
import {
  nodePrefix,
  sortedNodes,
} from '../../../lib/election/election-node.js';

/** The name of the node with that number; without a session it does not balance. */
function node(session: string | undefined, priority: number, sequence: number) {
  const prefix = nodePrefix('uuid', priority, session);
  return `${prefix}${String(sequence).padStart(10, '0')}`;
}

it('those of the highest priority can be favourites, up to one that does not balance', () => {
  const a = node('a1', 0, 1);
  const c = node('c3', 0, 3);
  const stranger = (sequence: number, priority = 0): string =>
    node(undefined, priority, sequence);
  const favourites = (...names: string[]): string[] =>
    possibleFavourites(sortedNodes(names));
  expect(favourites(a, node('b2', 0, 2), c)).toEqual(['a1', 'b2', 'c3']);
  expect(favourites(c, a)).toEqual(['a1', 'c3']);
  expect(favourites(a, stranger(2), c)).toEqual(['a1']);
  expect(favourites(stranger(0), a)).toEqual([]);
  expect(favourites(a, stranger(2, -1), c)).toEqual(['a1', 'c3']);
  expect(favourites(a, node('d4', 1, 4), node('e5', 1, 5))).toEqual([
    'd4',
    'e5',
  ]);
  expect(favourites()).toEqual([]);
});
