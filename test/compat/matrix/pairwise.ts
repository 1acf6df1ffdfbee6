/** A value of each dimension, in the order of the dimensions. */
export type Row = readonly string[];

/**
 * Few rows in which every two values of different dimensions meet, unless
 * `isPossible` rules out all rows that have both. Always the same rows.
 */
export function pairwise(
  dimensions: readonly (readonly string[])[],
  isPossible: (row: Row) => boolean,
): Row[] {
  const all = product(dimensions).filter(isPossible);
  const open = new Set(all.flatMap(pairsOf));
  const rows: Row[] = [];
  while (open.size > 0) {
    let best: Row | undefined;
    let most = 0;
    for (const row of all) {
      const covered = pairsOf(row).filter((pair) => open.has(pair)).length;
      if (covered > most) {
        most = covered;
        best = row;
      }
    }
    if (!best) {
      throw new Error('A pair is open that no row has');
    }
    rows.push(best);
    for (const pair of pairsOf(best)) {
      open.delete(pair);
    }
  }
  return rows;
}

/** Each pair of values in a row, as a text. */
export function pairsOf(row: Row): string[] {
  return row.flatMap((value, index) =>
    row
      .slice(index + 1)
      .map(
        (other, offset) => `${index}=${value} ${index + 1 + offset}=${other}`,
      ),
  );
}

export function product(dimensions: readonly (readonly string[])[]): Row[] {
  return dimensions.reduce<Row[]>(
    (rows, values) =>
      rows.flatMap((row) => values.map((value) => [...row, value])),
    [[]],
  );
}
