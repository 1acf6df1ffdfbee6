import type { Companion, CompanionParts } from '../election/companions.js';
import type { LeaderElections } from '../election/leader-elections.js';
import type { LeaderSession } from '../session/leader-session.js';
import { decodeSegment } from '../node-paths.js';
import { AssignedGroup } from '../partitions/assigned-group.js';
import type { Member } from '../partitions/assignment.js';
import type { ResolvedOptions } from '../zookeeper-leader.options.js';
import { ElectionPlan } from './election-plan.js';
import { Favourites } from './favourites.js';
import {
  GroupPaths,
  type ElectionAssignment,
} from '../partitions/group-nodes.js';

/**
 * Has the instances share leadership of the named elections, if they have the
 * option `balance`. For elections that have not been made yet.
 */
export function balanceElections(
  elections: LeaderElections,
  { balance, weight }: Pick<ResolvedOptions, 'balance' | 'weight'>,
): void {
  const { session } = elections;
  if (balance && session) {
    const favourites = new Favourites();
    elections.favouriteOf = (election) => favourites.of(election);
    elections.accompany(
      (parts) => new BalancedElections(parts, session, weight, favourites),
    );
  }
}

/** The elections of an application, as one of the instances that share them. */
class BalancedElections implements Companion {
  readonly problems = [];
  readonly #favourites: Favourites;
  readonly #members: AssignedGroup<Member, ElectionAssignment>;

  constructor(
    parts: CompanionParts,
    session: LeaderSession,
    weight: number,
    favourites: Favourites,
  ) {
    const { client, paths } = session;
    this.#favourites = favourites;
    this.#members = new AssignedGroup<Member, ElectionAssignment>({
      name: 'balanced elections',
      paths: new GroupPaths(paths.balance),
      parts,
      session,
      fields: { weight },
      makePlan: (onChange) =>
        new ElectionPlan(client, paths.elections, onChange),
      onAssignment: (assignment) => this.#heed(assignment),
    });
  }

  enter(): void {
    this.#members.enter();
  }

  async withdraw(): Promise<void> {
    this.#favourites.set(new Map());
    await this.#members.withdraw();
  }

  async shutDown(): Promise<void> {
    await this.#members.shutDown();
  }

  #heed({ elections, owners }: ElectionAssignment): void {
    this.#favourites.set(
      new Map(
        elections.flatMap((election, index) => {
          const owner = owners[index];
          return owner === undefined ? [] : [[decodeSegment(election), owner]];
        }),
      ),
    );
  }
}
