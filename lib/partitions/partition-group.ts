import type { Subscription } from 'rxjs';
import type { Companion, CompanionParts } from '../election/companions.js';
import type { TaskElection } from '../election/managed-election.js';
import type { LeaderSession } from '../session/leader-session.js';
import type { LeadershipReason } from '../election/leadership.interface.js';
import { settledWithin } from '../within.js';
import { AssignedGroup } from './assigned-group.js';
import {
  areSameApplications,
  severalApplicationsMessage,
} from './applications.js';
import {
  GroupPaths,
  type GroupMember,
  type MemberFields,
  type PartitionAssignment,
} from './group-nodes.js';
import { Ownership } from './ownership.js';
import { Partition } from './partition.js';
import { PartitionPlan } from './partition-plan.js';

/** A session that ends takes along what has not been removed by then. */
const LONGEST_LEAVE_MS = 1_000;

export interface GroupSettings extends MemberFields {
  readonly name: string;
  readonly parts: CompanionParts;
  readonly session: LeaderSession;
  /** The assignment is of instances with another number of partitions. */
  readonly onOtherGeneration: (partitions: number) => void;
  /** Others of another application share the partitions; undefined: no more. */
  readonly onSeveralApplications: (
    applications: readonly string[] | undefined,
  ) => void;
}

/** The partitions of one name, as one of the instances that share them. */
export class PartitionGroup implements Companion {
  readonly partitions: readonly TaskElection[];
  readonly #settings: GroupSettings;
  readonly #ownership: Ownership;
  readonly #members: AssignedGroup<GroupMember, PartitionAssignment>;
  readonly #subscription: Subscription;
  /** Runs while this instance stays away, having made way for others. */
  #pause: NodeJS.Timeout | undefined;
  /** The other generation that is in the way, if it has been reported. */
  #toldOf: number | undefined;
  /** Those that share the partitions, if there are several. */
  #applications: readonly string[] | undefined;

  constructor(settings: GroupSettings) {
    const { name, parts, session, partitions } = settings;
    const { client, lease } = session;
    const paths = new GroupPaths(session.paths.partitionGroup(name));
    this.#settings = settings;
    const list = Array.from(
      { length: partitions },
      (_, index) =>
        new Partition({
          group: name,
          index,
          path: paths.owner(index),
          instanceId: parts.identity.instanceId,
          client,
          lease,
        }),
    );
    this.partitions = list;
    this.#ownership = new Ownership({
      ...parts,
      client,
      lease,
      partitions: list,
      path: paths.owners,
      reporter: parts.reporter(`partitions of ${name}`, paths.group),
      onMadeWay: (pauseMs) => this.#stayAway(pauseMs),
    });
    this.#members = new AssignedGroup({
      name,
      paths,
      parts,
      session,
      fields: memberFields(settings),
      makePlan: (onChange) => new PartitionPlan(client, paths, onChange),
      onAssignment: (...seen) => this.#heed(...seen),
    });
    this.#subscription = client.connection$.subscribe(({ state }) => {
      if (state === 'lost') {
        // What is assigned to that session is for others now.
        this.#ownership.want(new Set(), 'session-lost');
      }
    });
  }

  /** How many are assigned to this instance. */
  get assignedCount(): number {
    return this.#ownership.wantedCount;
  }

  get problems(): string[] {
    const { name, session, parts } = this.#settings;
    const lapsed = this.partitions.filter(
      (each) => each.leadership.role === 'leader' && !each.isLeader(),
    );
    const longestMs =
      parts.drainTimeoutMs + session.lease.sessionTimeoutMs + LONGEST_LEAVE_MS;
    const late = this.#ownership.waitingFor(longestMs);
    return [
      ...(lapsed.length > 0
        ? [
            `the lease of ${lapsed.length} partitions of "${name}", which this ` +
              'instance owns, has run out',
          ]
        : []),
      ...(late > 0
        ? [
            `${late} partitions of "${name}" have been assigned to this instance ` +
              `for more than ${longestMs} ms, and it does not own them: another ` +
              'one still has them, or ZooKeeper refuses',
          ]
        : []),
    ];
  }

  get applications(): readonly string[] | undefined {
    return this.#applications;
  }

  get warnings(): string[] {
    const { applications } = this;
    return applications
      ? [severalApplicationsMessage(this.#settings.name, applications)]
      : [];
  }

  enter(): void {
    clearTimeout(this.#pause);
    this.#members.enter();
  }

  async withdraw(): Promise<void> {
    await this.#leave('withdrawn', () => this.#members.withdraw());
  }

  async shutDown(): Promise<void> {
    await this.#leave('shutdown', () => this.#members.shutDown());
    this.#subscription.unsubscribe();
    this.#ownership.end('shutdown');
  }

  /** Others hear that this instance leaves while its runs are drained. */
  async #leave(
    reason: LeadershipReason,
    leave: () => Promise<void>,
  ): Promise<void> {
    clearTimeout(this.#pause);
    this.#applications = undefined;
    const left = leave();
    this.#ownership.want(new Set(), reason);
    // After a drain, which has a bound of its own.
    const longestMs = this.#settings.parts.drainTimeoutMs + LONGEST_LEAVE_MS;
    await settledWithin([this.#ownership.released(), left], longestMs);
  }

  /** Others take what this instance cannot own. */
  #stayAway(pauseMs: number): void {
    void this.#leave('refused', () => this.#members.withdraw());
    this.#pause = setTimeout(() => this.enter(), pauseMs);
  }

  /** Has this instance own what is assigned to it. */
  #heed(
    { owners, applications }: PartitionAssignment,
    sessionId: string,
  ): void {
    const { partitions, onOtherGeneration } = this.#settings;
    const isOurs = owners.length === partitions;
    this.#ownership.want(
      new Set(
        isOurs
          ? owners.flatMap((owner, index) =>
              owner === sessionId ? [index] : [],
            )
          : [],
      ),
    );
    if (!isOurs && this.#toldOf !== owners.length) {
      onOtherGeneration(owners.length);
    }
    this.#toldOf = isOurs ? undefined : owners.length;
    this.#noteApplications(applications);
  }

  #noteApplications(applications: readonly string[] | undefined): void {
    if (!areSameApplications(applications, this.#applications)) {
      this.#applications = applications;
      this.#settings.onSeveralApplications(applications);
    }
  }
}

function memberFields(fields: MemberFields): MemberFields {
  const { weight, partitions, priority, excludesLower } = fields;
  return { weight, partitions, priority, excludesLower };
}
