import { Subscription } from 'rxjs';
import { ensurePath, type NodePaths } from '../../zookeeper/node-paths.js';
import type { ZookeeperClient } from '../../zookeeper/zookeeper-client.interface.js';
import { isZookeeperError } from '../../zookeeper/zookeeper.error.js';
import type { LedgerStore, StoredLedger } from './ledger-store.interface.js';

/** The ledger of a task in its znode. */
export class ZookeeperLedgerStore implements LedgerStore {
  readonly location: string;
  readonly #client: ZookeeperClient;
  readonly #tasksPath: string;
  #isKnownClosed = false;

  constructor(client: ZookeeperClient, paths: NodePaths, task: string) {
    this.#client = client;
    this.#tasksPath = paths.tasks;
    this.location = paths.task(task);
  }

  async read(): Promise<StoredLedger | undefined> {
    const { access } = this.#client;
    if (access && !this.#isKnownClosed) {
      await access.adopt(this.location);
      this.#isKnownClosed = true;
    }
    try {
      // A server that lags behind must not show an old ledger. Sent together:
      // ZooKeeper answers in order.
      const [, { data, stat }] = await Promise.all([
        this.#client.sync(this.location),
        this.#client.get(this.location),
      ]);
      return { data, version: stat.version };
    } catch (error) {
      if (isZookeeperError(error, 'NO_NODE')) {
        return undefined;
      }
      throw error;
    }
  }

  async create(data: string): Promise<number> {
    if (this.#client.access) {
      await this.#ensureParent();
    }
    try {
      await this.#client.create(this.location, data, 'persistent');
    } catch (error) {
      if (!isZookeeperError(error, 'NO_NODE')) {
        throw error;
      }
      await this.#ensureParent();
      await this.#client.create(this.location, data, 'persistent');
    }
    return 0;
  }

  async write(data: string, version: number): Promise<number> {
    return (await this.#client.set(this.location, data, version)).version;
  }

  #ensureParent(): Promise<void> {
    return ensurePath(this.#client, this.#tasksPath, 'persistent');
  }

  reachable(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = new Subscription();
      const settle = (): void => {
        waiting.unsubscribe();
        resolve();
      };
      signal.addEventListener('abort', settle, { once: true });
      waiting.add(() => signal.removeEventListener('abort', settle));
      waiting.add(
        this.#client.connection$.subscribe({
          next: ({ state }) => {
            if (state === 'connected') {
              settle();
            }
          },
          complete: settle,
        }),
      );
      if (signal.aborted) {
        settle();
      }
    });
  }
}
