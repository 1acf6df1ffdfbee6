/** An instance that shares partitions, or the leadership of elections. */
export interface Sharer {
  readonly id: string;
  readonly weight: number;
}

/**
 * What is wrong with who has what: every partition has one owner, every election
 * one leader, and every instance its share by weight, rounded up or down.
 *
 * @param owners of each of them, by their own word
 */
export function balanceProblems(
  sharers: readonly Sharer[],
  owners: ReadonlyMap<string, readonly string[]>,
): string[] {
  const total = sharers.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) {
    return [];
  }
  const owned = [...owners.values()].flat();
  return [
    ...[...owners]
      .filter(([, ids]) => ids.length !== 1)
      .map(([name, ids]) => `${name} belongs to ${ids.join(', ') || 'nobody'}`),
    ...sharers.flatMap(({ id, weight }) => {
      const share = (owners.size * weight) / total;
      const count = owned.filter((each) => each === id).length;
      return Math.abs(count - share) < 1
        ? []
        : [`${id} has ${count}, and its share is ${share.toFixed(1)}`];
    }),
  ];
}
