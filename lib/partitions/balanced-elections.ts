import type {
  Companion,
  CompanionParts,
  LeaderElections,
} from '../election/leader-elections.js';
import type { Favourites } from '../election/favourites.js';
import type { LeaderSession } from '../session/leader-session.js';
import { decodeSegment } from '../node-paths.js';
import { AssignedGroup } from './assigned-group.js';
import type { Member } from './assignment.js';
import { ElectionPlan } from './election-plan.js';
import { GroupPaths, type ElectionAssignment } from './group-nodes.js';

/**
 * Has the instances share leadership of the named elections, if they have the
 * option `balance`.
 */
export function balanceElections(
  elections: LeaderElections,
  { weight }: { readonly weight: number },
): void {
  const { favourites, session } = elections;
  if (favourites && session) {
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
