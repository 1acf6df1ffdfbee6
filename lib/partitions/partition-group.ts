import { Subscription } from 'rxjs';
import type {
  Companion,
  CompanionParts,
  TaskElection,
} from '../election/leader-elections.js';
import type { LeaderSession } from '../election/leader-session.js';
import type { LeadershipReason } from '../election/leadership.interface.js';
import { longestRetryMs, SerialLoop } from '../election/serial-loop.js';
import { plainGuard } from '../election/guard-function.js';
import type { ElectionReporter } from '../election/election-reporter.interface.js';
import { ZookeeperElection } from '../election/zookeeper-election.js';
import { settledWithin } from '../within.js';
import { NodeReading } from '../zookeeper/node-reading.js';
import type {
  ChildList,
  NodeContent,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import type { Assignment } from './assignment.js';
import { Coordinator } from './coordinator.js';
import {
  GroupPaths,
  parseAssignment,
  type MemberFields,
} from './group-nodes.js';
import { Ownership } from './ownership.js';
import { Partition } from './partition.js';

/** A session that ends takes along what has not been removed by then. */
const LONGEST_LEAVE_MS = 1_000;

export interface GroupSettings extends MemberFields {
  readonly name: string;
  readonly parts: CompanionParts;
  readonly session: LeaderSession;
  /** The assignment is of instances with another number of partitions. */
  readonly onOtherGeneration: (partitions: number) => void;
}

/** The partitions of one name, as one of the instances that share them. */
export class PartitionGroup implements Companion {
  readonly partitions: readonly TaskElection[];
  readonly #settings: GroupSettings;
  readonly #client: ZookeeperClient;
  readonly #ownership: Ownership;
  readonly #membership: ZookeeperElection;
  readonly #coordinator: Coordinator;
  readonly #assignment: NodeReading<NodeContent>;
  /** What there is in the group: an assignment that is missing may come. */
  readonly #nodes: NodeReading<ChildList>;
  readonly #loop: SerialLoop;
  readonly #subscription = new Subscription();
  #isEntered = false;
  /** Runs while this instance stays away, having made way for others. */
  #pause: NodeJS.Timeout | undefined;
  /** The other generation that is in the way, if it has been reported. */
  #toldOf: number | undefined;

  constructor(settings: GroupSettings) {
    const { name, parts, session, partitions } = settings;
    const { client, lease } = session;
    const paths = new GroupPaths(session.paths.partitionGroup(name));
    const log = (what: string): ElectionReporter =>
      parts.reporter(`${what} of ${name}`, paths.group);
    const shared = { ...parts, client, lease };
    this.#settings = settings;
    this.#client = client;
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
      ...shared,
      partitions: list,
      path: paths.owners,
      reporter: log('partitions'),
      onMadeWay: (pauseMs) => this.#stayAway(pauseMs),
    });
    this.#membership = new ZookeeperElection({
      ...shared,
      name: `members of ${name}`,
      path: paths.members,
      identity: { ...parts.identity, ...memberFields(settings) },
      // An entry that moved would look like a member that left.
      priority: 0,
      // What runs belongs to the partitions.
      drain: () => Promise.resolve(),
      guard: plainGuard,
      reporter: log('members'),
      onAwaited: () => undefined,
    });
    this.#coordinator = new Coordinator({
      client,
      paths,
      reporter: log('assignment'),
    });
    this.#loop = new SerialLoop(
      () => this.#reconcile(),
      (error) => longestRetryMs(client, error),
    );
    const wake = (): void => this.#loop.wake();
    const { assignment, group } = paths;
    this.#assignment = NodeReading.content(client, assignment, wake);
    this.#nodes = NodeReading.children(client, group, wake);
    this.#subscribe();
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

  enter(): void {
    clearTimeout(this.#pause);
    if (this.#settings.parts.isEnabled && !this.#isEntered) {
      this.#isEntered = true;
      this.#membership.enter();
      this.#loop.wake();
    }
  }

  async withdraw(): Promise<void> {
    await this.#leave('withdrawn', () => this.#membership.withdraw());
  }

  async shutDown(): Promise<void> {
    await this.#leave('shutdown', () => this.#membership.shutDown());
    this.#subscription.unsubscribe();
    this.#loop.stop();
    this.#coordinator.stop();
    this.#ownership.end('shutdown');
  }

  /** Others hear that this instance leaves while its runs are drained. */
  async #leave(
    reason: LeadershipReason,
    leave: () => Promise<void>,
  ): Promise<void> {
    this.#isEntered = false;
    clearTimeout(this.#pause);
    this.#assignment.forget();
    this.#nodes.forget();
    this.#ownership.want(new Set(), reason);
    // After a drain, which has a bound of its own.
    const longestMs = this.#settings.parts.drainTimeoutMs + LONGEST_LEAVE_MS;
    await settledWithin([this.#ownership.released(), leave()], longestMs);
  }

  /** Others take what this instance cannot own. */
  #stayAway(pauseMs: number): void {
    void this.#leave('refused', () => this.#membership.withdraw());
    this.#pause = setTimeout(() => this.enter(), pauseMs);
  }

  #subscribe(): void {
    this.#subscription.add(
      this.#client.connection$.subscribe(({ state }) => {
        if (state === 'connected') {
          this.#loop.wake();
          this.#coordinator.wake();
        } else if (state === 'lost') {
          // What is assigned to that session is for others now.
          this.#ownership.want(new Set(), 'session-lost');
        }
      }),
    );
    this.#subscription.add(
      this.#membership.leadership$.subscribe(({ role }) => {
        this.#coordinator.isActive = role === 'leader';
        // There is a group now.
        this.#loop.wake();
      }),
    );
  }

  /** Has this instance own what is assigned to it. */
  async #reconcile(): Promise<void> {
    const { state, sessionId } = this.#client.connection;
    if (!this.#isEntered || state !== 'connected') {
      return;
    }
    let content = await this.#assignment.read();
    if (!content) {
      await this.#nodes.read();
      content = await this.#assignment.read();
    } else {
      this.#nodes.forget();
    }
    // What cannot be read changes nothing: the coordinator writes another one.
    const assignment = content && parseAssignment(content.data);
    if (
      assignment &&
      this.#isEntered &&
      this.#client.connection.sessionId === sessionId
    ) {
      this.#heed(assignment, sessionId as string);
    }
  }

  #heed({ owners }: Assignment, sessionId: string): void {
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
  }
}

function memberFields(fields: MemberFields): MemberFields {
  const { weight, partitions, priority, excludesLower } = fields;
  return { weight, partitions, priority, excludesLower };
}
