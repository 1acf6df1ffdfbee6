/** An instance that may own partitions. */
export interface Member {
  /** Its session: an instance with a new session is another member. */
  readonly id: string;
  /** Its share, beside those of others; 0 takes none. */
  readonly weight: number;
}

/** Who should own which partition: a wish, which proves nothing. */
export interface Assignment {
  /** Grows with every change. */
  readonly round: number;
  /** For each partition, the id of a member; undefined: nobody. */
  readonly owners: readonly (string | undefined)[];
  /** For each partition, the round that moved it last. */
  readonly moved: readonly number[];
}

/** Rounding must not make a share of 4 out of 3.9999999. */
const TOLERANCE = 1e-9;

export function emptyAssignment(partitions: number): Assignment {
  return {
    round: 0,
    owners: Array.from<undefined>({ length: partitions }),
    moved: Array.from<number>({ length: partitions }).fill(0),
  };
}

/**
 * Spreads the partitions over the members: each has its share, rounded up or down.
 * A partition stays where it is as long as its owner does not have too many. Who
 * has too many gives back those that came last: an instance that is restarted gets
 * its own partitions again. The same arguments give the same result; `former`
 * itself, if nothing has to move.
 *
 * @param members the oldest first
 */
export function assign(
  members: readonly Member[],
  former: Assignment,
): Assignment {
  const held = new Map<string, number[]>(
    members.filter(({ weight }) => weight > 0).map(({ id }) => [id, []]),
  );
  for (const partition of partitionsByAge(former)) {
    held.get(former.owners[partition] ?? '')?.push(partition);
  }
  const quotas = quotasOf(members, held, former);
  const kept = new Map<number, string>();
  for (const [id, partitions] of held) {
    for (const partition of partitions.slice(0, quotas.get(id))) {
      kept.set(partition, id);
    }
  }
  const round = former.round + 1;
  const open = [...quotas].map(([id, quota]) => ({
    id,
    room: quota - Math.min(quota, held.get(id)?.length ?? 0),
  }));
  const owners = former.owners.map((_, partition) => {
    const keeper = kept.get(partition);
    return keeper ?? takeRoom(open);
  });
  const hasMoved = (partition: number): boolean =>
    owners[partition] !== former.owners[partition];
  if (!owners.some((_, partition) => hasMoved(partition))) {
    return former;
  }
  return {
    round,
    owners,
    moved: former.moved.map((last, partition) =>
      hasMoved(partition) ? round : last,
    ),
  };
}

/** Those that have stayed longest first. */
function partitionsByAge({ owners, moved }: Assignment): number[] {
  return [...owners.keys()].toSorted(
    (a, b) => (moved[a] ?? 0) - (moved[b] ?? 0) || a - b,
  );
}

/** How many partitions each member with a weight is to have; their sum is all. */
function quotasOf(
  members: readonly Member[],
  held: ReadonlyMap<string, readonly number[]>,
  { owners, moved }: Assignment,
): Map<string, number> {
  const total = members.reduce((sum, { weight }) => sum + weight, 0);
  const shares = members
    .filter(({ id }) => held.has(id))
    .map(({ id, weight }, age) => {
      const share = (owners.length * weight) / total;
      const base = Math.floor(share + TOLERANCE);
      const partitions = held.get(id) ?? [];
      // What it would have to give back without one more: the longer it has had
      // that, the better its claim.
      const atStake = partitions[base];
      return {
        id,
        age,
        base,
        rest: share - base,
        heldSince: atStake === undefined ? Infinity : (moved[atStake] ?? 0),
      };
    });
  let extra = owners.length - shares.reduce((sum, { base }) => sum + base, 0);
  const quotas = new Map<string, number>();
  const byClaim = shares.toSorted(
    (a, b) =>
      compare(a.heldSince, b.heldSince) ||
      compare(b.rest, a.rest) ||
      // A rolling restart comes to the youngest last.
      b.age - a.age,
  );
  for (const { id, base, rest } of byClaim) {
    const takesOneMore = extra > 0 && rest > TOLERANCE;
    quotas.set(id, base + (takesOneMore ? 1 : 0));
    extra -= takesOneMore ? 1 : 0;
  }
  return new Map(shares.map(({ id }) => [id, quotas.get(id) ?? 0]));
}

/** Without the `NaN` that Infinity less Infinity would be. */
function compare(a: number, b: number): number {
  if (a === b) {
    return 0;
  }
  return a < b ? -1 : 1;
}

/** One place with the member that has the most room; the youngest of several. */
function takeRoom(open: { id: string; room: number }[]): string | undefined {
  let widest: { id: string; room: number } | undefined;
  for (const each of open) {
    if (each.room > 0 && each.room >= (widest?.room ?? 0)) {
      widest = each;
    }
  }
  if (widest) {
    widest.room -= 1;
  }
  return widest?.id;
}
