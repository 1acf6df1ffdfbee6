import { auditTime, Subject, Subscription } from 'rxjs';
import type {
  ClusterView,
  LedgerView,
} from '../cluster/cluster-view.interface.js';
import type { PartitionGroupView } from '../cluster/partition-view.interface.js';
import type { LeaderElections } from '../election/leader-elections.js';
import type { ManagedElection } from '../election/managed-election.js';
import type { Participant } from '../election/leadership.interface.js';
import type { PartitionSet } from '../partitions/partition-set.js';
import type { Partitions } from '../partitions/partitions.js';
import type { LeaderTasks } from '../tasks/leader-tasks.js';
import type { ClusterSource } from './cluster-source.interface.js';

/** After an event the ledger is being written; and it is read no more often. */
const READ_AFTER_MS = 200;

/** The cluster of one that there is without ZooKeeper. */
export class StandaloneCluster implements ClusterSource {
  readonly #elections: LeaderElections;
  readonly #partitions: Partitions;
  readonly #tasks: LeaderTasks;
  readonly #changes = new Subject<void>();
  readonly #leaders = new Map<ManagedElection, Participant | undefined>();
  readonly #ledgers = new Map<string, LedgerView>();
  /** Whose ledgers have been written since they were read. */
  readonly #written = new Set<string>();

  readonly changes$ = this.#changes.asObservable();

  constructor(
    elections: LeaderElections,
    partitions: Partitions,
    tasks: LeaderTasks,
  ) {
    this.#elections = elections;
    this.#partitions = partitions;
    this.#tasks = tasks;
    elections.follow((election) => {
      election.sightings$.subscribe((leader) => {
        this.#leaders.set(election, leader);
        this.#changes.next();
      });
      return () => this.#leaders.delete(election);
    });
  }

  view(): ClusterView {
    const { instanceId } = this.#elections;
    return {
      isComplete: true,
      hasVerdict: true,
      isTruncated: false,
      elections: [...this.#leaders].map(([{ name }, leader]) => ({
        election: name,
        participants: leader ? [leader] : [],
        participantCount: leader ? 1 : 0,
        warnings: [],
      })),
      partitions: this.#partitions.all.map((set) => groupOf(set, instanceId)),
      ledgers: [...this.#ledgers.values()],
      instances: [{ instanceId }],
      drains: [],
      audit: [],
    };
  }

  use(): () => void {
    for (const { task, hasLedger } of this.#tasks.list()) {
      if (hasLedger) {
        this.#written.add(task);
      }
    }
    const reading = new Subscription();
    reading.add(
      this.#tasks.events$.subscribe(({ task }) => this.#written.add(task)),
    );
    reading.add(
      this.#tasks.events$
        .pipe(auditTime(READ_AFTER_MS))
        .subscribe(() => void this.#read()),
    );
    void this.#read();
    return () => reading.unsubscribe();
  }

  async #read(): Promise<void> {
    const written = [...this.#written];
    this.#written.clear();
    await Promise.all(
      written.map(async (task) => {
        try {
          const runs = await this.#tasks.history(task);
          this.#ledgers.set(task, { task, runs });
        } catch {
          // It has no ledger, or is no more.
          this.#ledgers.delete(task);
        }
      }),
    );
    this.#changes.next();
  }
}

/** A group whose only member is this instance. */
function groupOf(
  { name, partitions, owned }: PartitionSet,
  instanceId: string,
): PartitionGroupView {
  const terms = new Map(owned.map((each) => [each.partition, each.term]));
  const share = {
    owned: owned.length,
    assigned: partitions,
    share: partitions,
  };
  return {
    group: name,
    partitions,
    owners: Array.from({ length: partitions }, (_, partition) => {
      const term = terms.get(partition);
      return (
        term && {
          ...{ instanceId, member: 0 },
          ...{ fencingToken: term.fencingToken, since: term.since },
        }
      );
    }),
    unowned: [],
    members: [{ instanceId, isMember: true, weight: 1, partitions, ...share }],
    imbalance: 0,
    warnings: [],
    movedLately: 0,
  };
}
