import { DEFAULT_ELECTION } from '../settings.js';
import { balanceProblems, type Sharer } from './balance.js';

/** An instance that takes part in elections. */
export interface Contender {
  readonly id: string;
  /** Undefined: its library is older than shares and priorities. */
  readonly weight: number | undefined;
  readonly elections: readonly string[];
  readonly isBalanced: boolean;
  readonly priority: number;
}

/**
 * What is wrong with who leads what, when everybody has been connected for long
 * enough: the leader has the highest priority; those that balance have their share.
 * Nothing is promised of an election that an older library takes part in.
 *
 * @param leaders of each election, by their own word
 */
export function standingProblems(
  contenders: readonly Contender[],
  leaders: ReadonlyMap<string, readonly string[]>,
): string[] {
  const standings = [...leaders].flatMap(([election, ids]) => {
    const those = contenders.filter(({ elections }) =>
      elections.includes(election),
    );
    return those.some(({ weight }) => weight === undefined)
      ? []
      : [{ election, ids, those }];
  });
  return [
    ...standings.flatMap(({ election, ids, those }) => {
      const highest = Math.max(...those.map(({ priority }) => priority));
      return those
        .filter(({ id, priority }) => ids.includes(id) && priority < highest)
        .map(
          ({ id, priority }) =>
            `${id} leads "${election}" with priority ${priority}, and another one has ${highest}`,
        );
    }),
    ...shares(standings).flatMap(({ sharers, owners }) =>
      balanceProblems([...sharers.values()], owners),
    ),
  ];
}

interface Standing {
  readonly election: string;
  readonly ids: readonly string[];
  readonly those: readonly Contender[];
}

interface Share {
  readonly sharers: Map<string, Sharer>;
  readonly owners: Map<string, readonly string[]>;
}

/**
 * The elections that the same instances share: all have the option `balance`, and
 * who has no weight counts for nothing.
 */
function shares(standings: readonly Standing[]): Share[] {
  const groups = new Map<string, Share>();
  for (const { election, ids, those } of standings) {
    const isShared =
      election !== DEFAULT_ELECTION &&
      those.length > 0 &&
      those.every(({ isBalanced }) => isBalanced);
    if (isShared) {
      const key = those
        .flatMap(({ id, weight = 0 }) => (weight > 0 ? [id] : []))
        .join();
      const group = groups.get(key) ?? {
        sharers: new Map(),
        owners: new Map(),
      };
      for (const { id, weight = 0 } of those) {
        group.sharers.set(id, { id, weight });
      }
      group.owners.set(election, ids);
      groups.set(key, group);
    }
  }
  return [...groups.values()];
}
