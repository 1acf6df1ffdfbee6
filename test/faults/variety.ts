import { Random } from './random.js';
import { ELECTIONS, EXTRA_ELECTIONS, type RunSettings } from './settings.js';

/** How applications identify themselves to ZooKeeper, and it to them. */
export const SECURITIES = ['none', 'digest'] as const;
export type Security = (typeof SECURITIES)[number];

export const CREDENTIALS = { username: 'faults', password: 'by the seed' };

/** In what an instance differs from the others. */
export interface Variety {
  readonly connectionLossPolicy: 'hold-lease' | 'step-down';
  /** Entered besides those that all take part in. */
  readonly extraElections: readonly string[];
  /** Watches `leader$` of everything, and subscribes and unsubscribes all the time. */
  readonly isObserver: boolean;
  /** Hooks of the second election never end, in some terms. */
  readonly hasHangingHooks: boolean;
  /** Runs the library of an earlier commit, if the run has one. */
  readonly isFormer: boolean;
}

/** The same for the same seed, place and incarnation. */
export function drawVariety(
  { seed, formerLibrary }: Pick<RunSettings, 'seed' | 'formerLibrary'>,
  index: number,
  incarnation: number,
): Variety {
  const random = new Random(seed, 'variety', index, incarnation);
  const extra = random.chance(0.5)
    ? Math.ceil(random.next() * EXTRA_ELECTIONS.length)
    : 0;
  return {
    connectionLossPolicy: random.chance(0.25) ? 'step-down' : 'hold-lease',
    extraElections: EXTRA_ELECTIONS.slice(0, extra),
    isObserver: random.chance(0.5),
    hasHangingHooks: random.chance(0.25),
    isFormer: formerLibrary !== undefined && random.chance(0.5),
  };
}

/** All elections that an instance takes part in. */
export function electionsOf({ extraElections }: Variety): string[] {
  return [...ELECTIONS, ...extraElections];
}

/** In words, for the log. */
export function describeVariety(variety: Variety): string {
  const { extraElections, isObserver, hasHangingHooks, isFormer } = variety;
  return [
    variety.connectionLossPolicy,
    ...(extraElections.length > 0
      ? [`${extraElections.length} elections more`]
      : []),
    ...(isObserver ? ['observes'] : []),
    ...(hasHangingHooks ? ['hooks hang'] : []),
    ...(isFormer ? ['former version'] : []),
  ].join(', ');
}
