import { ZookeeperError } from '../../zookeeper/zookeeper.error.js';
import type { LedgerStore, StoredLedger } from './ledger-store.interface.js';

/** The ledger of a task without ZooKeeper: it lives as long as the process. */
export class MemoryLedgerStore implements LedgerStore {
  readonly location = '(in memory)';
  #stored: StoredLedger | undefined;

  async read(): Promise<StoredLedger | undefined> {
    return this.#stored;
  }

  async create(data: string): Promise<number> {
    if (this.#stored) {
      throw new ZookeeperError('NODE_EXISTS', 'The ledger exists');
    }
    this.#stored = { data, version: 0 };
    return 0;
  }

  async write(data: string, version: number): Promise<number> {
    if (this.#stored?.version !== version) {
      throw new ZookeeperError('BAD_VERSION', 'The ledger has changed');
    }
    this.#stored = { data, version: version + 1 };
    return version + 1;
  }

  async reachable(): Promise<void> {
    // Always.
  }
}
