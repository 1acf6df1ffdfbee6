import { Subject } from 'rxjs';
import type {
  ClusterView,
  LedgerView,
} from '../cluster/cluster-view.interface.js';
import type { LeaderElections } from '../election/leader-elections.js';
import type { Participant } from '../election/leadership.interface.js';
import type { LeaderTasks } from '../tasks/leader-tasks.js';
import type { ClusterSource } from './cluster-source.interface.js';

/** The cluster of one that there is without ZooKeeper. */
export class StandaloneCluster implements ClusterSource {
  readonly #elections: LeaderElections;
  readonly #tasks: LeaderTasks;
  readonly #changes = new Subject<void>();
  readonly #leaders = new Map<string, Participant | undefined>();
  #ledgers: LedgerView[] = [];

  readonly changes$ = this.#changes.asObservable();

  constructor(elections: LeaderElections, tasks: LeaderTasks) {
    this.#elections = elections;
    this.#tasks = tasks;
    elections.follow(({ name, sightings$ }) => {
      sightings$.subscribe((leader) => {
        this.#leaders.set(name, leader);
        this.#changes.next();
      });
      return () => this.#leaders.delete(name);
    });
  }

  view(): ClusterView {
    const { instanceId } = this.#elections;
    return {
      isComplete: true,
      isTruncated: false,
      elections: [...this.#leaders].map(([election, leader]) => ({
        election,
        participants: leader ? [leader] : [],
        participantCount: leader ? 1 : 0,
      })),
      ledgers: this.#ledgers,
      instances: [{ instanceId }],
    };
  }

  use(): () => void {
    const subscription = this.#tasks.events$.subscribe(() => void this.#read());
    void this.#read();
    return () => subscription.unsubscribe();
  }

  async #read(): Promise<void> {
    const tasks = this.#tasks.list().filter(({ hasLedger }) => hasLedger);
    this.#ledgers = await Promise.all(
      tasks.map(async ({ task }) => ({
        task,
        runs: await this.#tasks.history(task),
      })),
    );
    this.#changes.next();
  }
}
