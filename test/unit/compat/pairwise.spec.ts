import { describe, expect, it } from '@jest/globals';
import {
  COMBINATIONS,
  FORMATS,
  MANAGERS,
  NESTS,
  NODES,
  RESOLUTIONS,
  isPossible,
} from '../../compat/matrix/combinations.js';
import { pairsOf, pairwise, product } from '../../compat/matrix/pairwise.js';

describe('the combinations of the compatibility tests', () => {
  const rows = COMBINATIONS.map(
    ({ manager, resolution, node, nest, format }) => [
      manager,
      resolution,
      node,
      nest,
      format,
    ],
  );

  it('have every two values together that can be together', () => {
    const possible = product([
      MANAGERS,
      RESOLUTIONS,
      NODES,
      NESTS,
      FORMATS,
    ]).filter(isPossible);
    const wanted = new Set(possible.flatMap(pairsOf));
    const had = new Set(rows.flatMap(pairsOf));
    expect([...wanted].filter((pair) => !had.has(pair))).toEqual([]);
    expect(wanted.size).toBeGreaterThan(90);
  });

  it('are few, and none that cannot be', () => {
    expect(rows.length).toBeLessThanOrEqual(26);
    expect(rows.every(isPossible)).toBe(true);
  });
});

describe('pairwise()', () => {
  it('needs as many rows as the two longest dimensions have pairs', () => {
    const rows = pairwise(
      [
        ['a', 'b', 'c'],
        ['1', '2'],
        ['x', 'y'],
      ],
      () => true,
    );
    expect(rows).toHaveLength(6);
  });

  it('leaves out what cannot be', () => {
    const rows = pairwise(
      [
        ['a', 'b'],
        ['1', '2'],
      ],
      ([letter, digit]) => !(letter === 'a' && digit === '1'),
    );
    expect(rows).not.toContainEqual(['a', '1']);
    expect(rows).toHaveLength(3);
  });
});
