import { Random } from './random.js';
import {
  ELECTIONS,
  EXTRA_ELECTIONS,
  GUARDIAN_FORMS,
  type GuardianForm,
  type RunSettings,
} from './settings.js';

/** In what an instance differs from the others. */
export interface Variety {
  readonly connectionLossPolicy: 'hold-lease' | 'step-down';
  /** Entered besides those that all take part in. */
  readonly extraElections: readonly string[];
  /** Watches `leader$` of everything, and subscribes and unsubscribes all the time. */
  readonly isObserver: boolean;
  /** Hooks of the second election never end, in some terms. */
  readonly hasHangingHooks: boolean;
  /** Of its share of the partitions, beside those of others. */
  readonly weight: number;
  /** Shares leadership of all elections but `default`. */
  readonly isBalanced: boolean;
  /** Leads before those of a lower one. */
  readonly priority: number;
  /** Runs the library of an earlier commit, if the run has one. */
  readonly isFormer: boolean;
  readonly guardian: GuardianForm;
}

/** The form that needs nothing is the one of most applications. */
const CHILD_SHARE = 0.5;
/** Of those that do not weigh as much as most. */
const WEIGHTS = [0, 0.5, 2];
/** In a run that has the option; the others make no way. */
const BALANCED_SHARE = 0.9;
/** Of the runs without `balance`: a third of all. */
const RANKED_SHARE = 2 / 3;
const PRIORITIES = [0, 1, 2];

/** Whether instances of a run have the option `balance`. */
export function isBalancedRun({ seed }: Pick<RunSettings, 'seed'>): boolean {
  return new Random(seed, 'balance').chance(0.5);
}

/** Whether instances of a run have the option `priority`; not beside `balance`. */
export function isRankedRun({
  seed,
  isPlain,
}: Pick<RunSettings, 'seed' | 'isPlain'>): boolean {
  return (
    !isPlain &&
    !isBalancedRun({ seed }) &&
    new Random(seed, 'priority').chance(RANKED_SHARE)
  );
}

/** The same for the same seed, place and incarnation. */
export function drawVariety(
  {
    seed,
    formerLibrary,
    guardian,
    isPlain,
  }: Pick<RunSettings, 'seed' | 'formerLibrary' | 'guardian' | 'isPlain'>,
  index: number,
  incarnation: number,
): Variety {
  const random = new Random(seed, 'variety', index, incarnation);
  const extra = random.chance(0.5)
    ? Math.ceil(random.next() * EXTRA_ELECTIONS.length)
    : 0;
  const variety = {
    connectionLossPolicy: random.chance(0.25)
      ? ('step-down' as const)
      : ('hold-lease' as const),
    extraElections: EXTRA_ELECTIONS.slice(0, extra),
    isObserver: random.chance(0.5),
    hasHangingHooks: random.chance(0.25),
    isFormer: formerLibrary !== undefined && random.chance(0.5),
  };
  const form =
    guardian ??
    (random.chance(CHILD_SHARE) ? 'child' : random.pick(GUARDIAN_FORMS));
  // The first one always takes part: somebody has to.
  const weight = index > 0 && random.chance(0.3) ? random.pick(WEIGHTS) : 1;
  const isBalanced =
    isBalancedRun({ seed }) &&
    !variety.isFormer &&
    new Random(seed, 'balance', index, incarnation).chance(BALANCED_SHARE);
  const priority =
    isRankedRun({ seed, isPlain }) && !variety.isFormer
      ? new Random(seed, 'priority', index, incarnation).pick(PRIORITIES)
      : 0;
  return {
    ...variety,
    guardian: variety.isFormer ? 'child' : form,
    weight,
    isBalanced,
    priority,
  };
}

/** All elections that an instance takes part in. */
export function electionsOf({ extraElections }: Variety): string[] {
  return [...ELECTIONS, ...extraElections];
}

/** In words, for the log. */
export function describeVariety(variety: Variety): string {
  const { extraElections, isObserver, hasHangingHooks, weight } = variety;
  const { isFormer, guardian } = variety;
  return [
    variety.connectionLossPolicy,
    ...(extraElections.length > 0
      ? [`${extraElections.length} elections more`]
      : []),
    ...(isObserver ? ['observes'] : []),
    ...(hasHangingHooks ? ['hooks hang'] : []),
    ...(weight === 1 ? [] : [`weight ${weight}`]),
    ...(variety.isBalanced ? ['balances'] : []),
    ...(variety.priority === 0 ? [] : [`priority ${variety.priority}`]),
    ...(isFormer ? ['former version'] : []),
    ...(guardian === 'child' ? [] : [`guardian: ${guardian}`]),
  ].join(', ');
}
