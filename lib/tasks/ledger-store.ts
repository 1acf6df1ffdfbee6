import { Subscription } from 'rxjs';
import { messageOf } from '../message-of.js';
import { pause } from '../within.js';
import type { NodePaths } from '../node-paths.js';
import { ensurePath } from '../zookeeper/ensure-path.js';
import { unlessMissing } from '../zookeeper/unless-missing.js';
import type { ZookeeperClient } from '../zookeeper/zookeeper-client.interface.js';
import {
  isConnectionError,
  isZookeeperError,
} from '../zookeeper/zookeeper.error.js';
import { LeaderTaskError } from './leader-task.error.js';
import { parseLedger, serializeLedger, type LedgerDocument } from './ledger.js';

/** Where the tasks of a cluster are kept: ZooKeeper, or memory. */
export interface TaskNodes {
  readonly client: TaskClient;
  readonly paths: NodePaths;
}

/** The part of a ZooKeeper client that tasks use. */
export type TaskClient = Pick<
  ZookeeperClient,
  | 'access'
  | 'connection'
  | 'connection$'
  | 'create'
  | 'delete'
  | 'get'
  | 'getChildren'
  | 'set'
  | 'sync'
>;

/** The ledger with a change; undefined if there is nothing to change. */
export type LedgerChange = (
  ledger: LedgerDocument | undefined,
) => LedgerDocument | undefined;

interface Known {
  readonly ledger: LedgerDocument | undefined;
  readonly version: number | undefined;
}

const RETRY_PAUSE_MS = 100;

/**
 * The run ledger of one task, in its znode: changed by compare-and-set only, one
 * change at a time.
 *
 * A change is a function of the ledger. When the outcome of a write is unknown,
 * or somebody else has written, the ledger is read again and the function asked
 * again: it has to see whether what it wants has happened already.
 */
export class LedgerStore {
  readonly location: string;
  readonly #task: string;
  readonly #nodes: TaskNodes;
  #known: Known | undefined;
  #isKnownClosed = false;

  constructor(nodes: TaskNodes, task: string, slot?: string) {
    this.#nodes = nodes;
    this.#task = task;
    this.location = nodes.paths.task(task, slot);
  }

  /** As ZooKeeper has it. */
  async read(): Promise<LedgerDocument | undefined> {
    return (await this.#load()).ledger;
  }

  /**
   * Has the next change read the ledger first. What is known from a term that has
   * ended may be of a ledger that has been deleted since: the versions of the one
   * after it began anew, and may have come to the same number.
   */
  forget(): void {
    this.#known = undefined;
  }

  /**
   * Makes a change; waits for the connection as long as `signal` does not abort.
   * Resolves to the ledger afterwards. Where there is nothing to change by what is
   * known, ZooKeeper is asked.
   *
   * @throws {LeaderTaskError} (rejects) `LEDGER_CORRUPT`
   * @throws {ZookeeperError} (rejects) for what no new connection will heal, and
   * for the lack of a connection when `signal` aborts
   */
  async change(
    change: LedgerChange,
    signal: AbortSignal,
  ): Promise<LedgerDocument | undefined> {
    for (;;) {
      try {
        const known = this.#known;
        const { ledger, version } = known ?? (await this.#load());
        const next = change(ledger);
        if (next === undefined) {
          if (known) {
            this.#known = undefined;
            continue;
          }
          this.#known = { ledger, version };
          return ledger;
        }
        // Until the answer is here, nothing is known of the ledger.
        this.#known = undefined;
        const data = serializeLedger(next);
        const written = await this.#write(data, version);
        this.#known = { ledger: next, version: written };
        return next;
      } catch (error) {
        // Somebody may mend what was wrong with it.
        this.#known = undefined;
        if (canWait(error) && !signal.aborted) {
          // A request may be given up on a connection that lives.
          await pause(RETRY_PAUSE_MS, signal);
          await this.#reachable(signal);
        } else if (!isOutrun(error)) {
          throw error;
        }
      }
    }
  }

  async #load(): Promise<Known> {
    const { client } = this.#nodes;
    if (client.access && !this.#isKnownClosed) {
      await client.access.adopt(this.location);
      this.#isKnownClosed = true;
    }
    const stored = await readFresh(client, this.location);
    if (!stored) {
      return { ledger: undefined, version: undefined };
    }
    try {
      const ledger = parseLedger(stored.data, this.#task);
      return { ledger, version: stored.stat.version };
    } catch (error) {
      throw new LeaderTaskError(
        'LEDGER_CORRUPT',
        `The run ledger of the leader task "${this.#task}" cannot be used: ` +
          `${messageOf(error)}. Look at the znode ${this.location}; when it is ` +
          'deleted, the task begins a new ledger and forgets the old runs.',
      );
    }
  }

  async #write(data: string, version: number | undefined): Promise<number> {
    const { client, paths } = this.#nodes;
    if (version !== undefined) {
      return (await client.set(this.location, data, version)).version;
    }
    await createNode(client, paths.tasks, this.location, data);
    return 0;
  }

  #reachable(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = new Subscription();
      const settle = (): void => {
        waiting.unsubscribe();
        resolve();
      };
      signal.addEventListener('abort', settle, { once: true });
      waiting.add(() => signal.removeEventListener('abort', settle));
      waiting.add(
        this.#nodes.client.connection$.subscribe({
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

/** A node as it is after everything that was written before; undefined: none. */
export async function readFresh(client: TaskClient, path: string) {
  // A server that lags behind must not show an old node. Sent together:
  // ZooKeeper answers in order.
  const answers = await unlessMissing(
    Promise.all([client.sync(path), client.get(path)]),
  );
  return answers?.[1];
}

/** Creates a node, and what lies above it. */
export async function createNode(
  client: TaskClient,
  parent: string,
  path: string,
  data: string,
  mode: 'persistent' | 'ephemeral' = 'persistent',
): Promise<void> {
  if (client.access) {
    // Others must not be able to remove or replace it from the beginning on.
    await ensureNode(client, parent);
  }
  try {
    await client.create(path, data, mode);
  } catch (error) {
    if (!isZookeeperError(error, 'NO_NODE')) {
      throw error;
    }
    await ensureNode(client, parent);
    await client.create(path, data, mode);
  }
}

/** The names of a node's children; the node is created if it is missing. */
export async function childrenOf(
  client: TaskClient,
  path: string,
  watcher: () => void,
): Promise<string[]> {
  try {
    return (await client.getChildren(path, watcher)).children;
  } catch (error) {
    if (!isZookeeperError(error, 'NO_NODE')) {
      throw error;
    }
    await ensureNode(client, path);
    return (await client.getChildren(path, watcher)).children;
  }
}

function ensureNode(client: TaskClient, path: string): Promise<void> {
  return ensurePath(client as ZookeeperClient, path, 'persistent');
}

/** Whether somebody else has written first. */
function isOutrun(error: unknown): boolean {
  return isZookeeperError(error, 'BAD_VERSION', 'NODE_EXISTS', 'NO_NODE');
}

/** Whether it may go well on the next connection. */
export function canWait(error: unknown): boolean {
  return isConnectionError(error) && error.code !== 'CLOSED';
}
