import { Inject } from '@nestjs/common';
import { DEFAULT_ELECTION } from '../zookeeper-leader.constants.js';
import { checkElectionName } from '../zookeeper-leader.options.js';
import {
  refuseBareDecorator,
  refuseStandardDecorators,
} from '../decorator-checks.js';
import { sharedRegistry } from '../shared-registry.js';
import { LeaderElection } from '../election/leader-election.js';

const TOKEN_PREFIX = 'nestjs-zookeeper-leader:election:';

/** The names of elections that classes of this process have injected. */
const injected = sharedRegistry('injected-elections', () => new Set<string>());

/**
 * Injects the election of that name, where the class {@link LeaderElection}
 * stands for the default one.
 *
 * @throws {TypeError} if `name` cannot be an election's name
 *
 * @example
 * ```ts
 * constructor(
 *   @InjectLeaderElection('billing') private readonly billing: LeaderElection,
 * ) {}
 * ```
 *
 * @publicApi
 */
export function InjectLeaderElection(
  name: string = DEFAULT_ELECTION,
): ParameterDecorator & PropertyDecorator {
  // oxlint-disable-next-line prefer-rest-params
  refuseBareDecorator('@InjectLeaderElection()', arguments.length);
  checkElectionName(name, '@InjectLeaderElection()');
  const inject = Inject(getLeaderElectionToken(name));
  return (target: object, key: string | symbol | undefined, index?: number) => {
    refuseStandardDecorators('@InjectLeaderElection()', key);
    inject(target, key, index as number);
  };
}

/**
 * Injection token of an election, for `useFactory` providers and tests.
 *
 * @example
 * ```ts
 * {
 *   provide: BillingService,
 *   inject: [getLeaderElectionToken('billing')],
 *   useFactory: (election: LeaderElection) => new BillingService(election),
 * }
 * ```
 *
 * @publicApi
 */
export function getLeaderElectionToken(
  name: string = DEFAULT_ELECTION,
): string | typeof LeaderElection {
  if (name === DEFAULT_ELECTION) {
    return LeaderElection;
  }
  injected.add(name);
  return TOKEN_PREFIX + name;
}

/** Names that any class of this process, loaded so far, has injected. */
export function injectedElectionNames(): string[] {
  return [...injected];
}

/** The name of the election that a token stands for, if it does for one. */
export function electionOfToken(token: unknown): string | undefined {
  if (token === LeaderElection) {
    return DEFAULT_ELECTION;
  }
  return typeof token === 'string' && token.startsWith(TOKEN_PREFIX)
    ? token.slice(TOKEN_PREFIX.length)
    : undefined;
}
