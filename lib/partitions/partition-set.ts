import { BehaviorSubject, type Observable } from 'rxjs';
import type { TaskElection } from '../election/managed-election.js';
import type {
  LeadershipTerm,
  Participant,
} from '../election/leadership.interface.js';

/**
 * A partition that this instance owns.
 *
 * @publicApi
 */
export interface OwnedPartition {
  /** Its number: 0 to `partitions` - 1. */
  readonly partition: number;
  /** How many partitions there are. */
  readonly partitions: number;
  /** With the fencing token, and the signal that aborts when ownership ends. */
  readonly term: LeadershipTerm;
}

/** What a set is of. */
export interface PartitionHolder {
  readonly partitions: readonly TaskElection[];
  readonly assignedCount: number;
  /** Those that share the partitions, if there are several. */
  readonly applications?: readonly string[] | undefined;
}

/**
 * The partitions of one name, which the instances of an application share: each
 * has at most one owner at any time. {@link Partitions.of} makes it.
 *
 * @publicApi
 */
export class PartitionSet {
  readonly #group: PartitionHolder;
  readonly #elections: readonly TaskElection[];
  readonly #owned: BehaviorSubject<readonly OwnedPartition[]>;
  #isChanging = false;

  /** @internal */
  constructor(
    /** The name that the instances share. */
    readonly name: string,
    group: PartitionHolder,
  ) {
    const elections = group.partitions;
    this.#group = group;
    this.#elections = elections;
    this.#owned = new BehaviorSubject<readonly OwnedPartition[]>([]);
    let open = elections.length;
    for (const { leadership$ } of elections) {
      leadership$.subscribe({
        next: () => this.#changed(),
        complete: () => {
          open -= 1;
          if (open === 0) {
            this.#publish();
            this.#owned.complete();
          }
        },
      });
    }
  }

  /** How many partitions there are. */
  get partitions(): number {
    return this.#elections.length;
  }

  /**
   * What this instance owns at this very moment, checked against the clock, in
   * the order of the numbers.
   */
  get owned(): readonly OwnedPartition[] {
    return this.#elections.flatMap((each, partition) =>
      each.isLeader() && each.leadership.role === 'leader'
        ? [
            {
              partition,
              partitions: this.partitions,
              term: each.leadership.term,
            },
          ]
        : [],
    );
  }

  /**
   * What this instance owns: the present set on subscription, and the new one after
   * every change. Changes of one moment come as one. A partition that comes back
   * has a new term. Never errors; completes at shutdown. By RxJS's rule, a listener
   * that throws ends the process.
   *
   * @example
   * ```ts
   * partitions.of('mailboxes', 12).owned$.subscribe((owned) => {
   *   this.consumers.follow(owned.map(({ partition }) => partition));
   * });
   * ```
   */
  get owned$(): Observable<readonly OwnedPartition[]> {
    return this.#owned.asObservable();
  }

  /** Whether this instance owns a partition at this very moment. */
  owns(partition: number): boolean {
    return this.#elections[partition]?.isLeader() ?? false;
  }

  /**
   * The owner of every partition, as ZooKeeper has it: one request for each.
   *
   * @throws {ZookeeperError} (rejects) when ZooKeeper cannot be reached
   */
  owners(): Promise<(Participant | undefined)[]> {
    return Promise.all(
      this.#elections.map(async (each) => (await each.participants())[0]),
    );
  }

  /** @internal */
  get elections(): readonly TaskElection[] {
    return this.#elections;
  }

  /**
   * How many should be owned here, by the assignment that this instance knows.
   *
   * @internal
   */
  get assignedCount(): number {
    return this.#group.assignedCount;
  }

  /**
   * Whether several applications share the partitions, by the assignment that this
   * instance knows.
   *
   * @internal
   */
  get isForeign(): boolean {
    return this.#group.applications !== undefined;
  }

  #changed(): void {
    if (!this.#isChanging) {
      this.#isChanging = true;
      queueMicrotask(() => {
        this.#isChanging = false;
        this.#publish();
      });
    }
  }

  #publish(): void {
    const owned = this.#elections.flatMap(({ leadership }, partition) =>
      leadership.role === 'leader'
        ? [{ partition, partitions: this.partitions, term: leadership.term }]
        : [],
    );
    const former = this.#owned.value;
    const isSame =
      owned.length === former.length &&
      owned.every(({ term }, index) => term === former[index]?.term);
    if (!isSame) {
      this.#owned.next(Object.freeze(owned));
    }
  }
}
