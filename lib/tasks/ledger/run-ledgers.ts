import type { LeaderElections } from '../../election/leader-elections.js';
import { MemoryLedgerStore } from './memory-ledger-store.js';
import { RunLedger } from './run-ledger.js';
import { ZookeeperLedgerStore } from './zookeeper-ledger-store.js';

/** The ledgers of an application: one for each task that has one. */
export class RunLedgers {
  readonly #elections: LeaderElections;
  readonly #byTask = new Map<string, RunLedger>();

  constructor(elections: LeaderElections) {
    this.#elections = elections;
  }

  of(task: string): RunLedger {
    const known = this.#byTask.get(task);
    if (known) {
      return known;
    }
    const { session } = this.#elections;
    const ledger = new RunLedger(
      session
        ? new ZookeeperLedgerStore(session.client, session.paths, task)
        : new MemoryLedgerStore(),
      task,
    );
    this.#byTask.set(task, ledger);
    return ledger;
  }
}
