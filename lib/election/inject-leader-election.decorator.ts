import { Inject } from '@nestjs/common';
import { DEFAULT_ELECTION } from '../zookeeper-leader.constants.js';
import { checkElectionName } from '../zookeeper-leader.options.js';
import { sharedRegistry } from '../shared-registry.js';
import { LeaderElection } from './leader-election.js';

/** Which classes have a named election injected. */
const injections = sharedRegistry(
  'injected-elections',
  () => new Map<string, Set<object>>(),
);

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
  checkElectionName(name, '@InjectLeaderElection()');
  const inject = Inject(getLeaderElectionToken(name));
  return (target: object, key: string | symbol | undefined, index?: number) => {
    // A parameter's target is the class, a property's is its prototype.
    const owner = typeof target === 'function' ? target : target.constructor;
    const owners = injections.get(name) ?? new Set();
    injections.set(name, owners.add(owner));
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
  if (!injections.has(name)) {
    injections.set(name, new Set());
  }
  return `nestjs-zookeeper-leader:election:${name}`;
}

/** Names that any class of this process, loaded so far, has injected. */
export function injectedElectionNames(): string[] {
  return [...injections.keys()].filter((name) => name !== DEFAULT_ELECTION);
}

/** Names that `type`, or a class it extends, has injected. */
export function electionsInjectedInto(type: object): string[] {
  return [...injections].flatMap(([name, owners]) =>
    [...owners].some(
      (owner) =>
        owner === type || Object.prototype.isPrototypeOf.call(owner, type),
    )
      ? [name]
      : [],
  );
}
