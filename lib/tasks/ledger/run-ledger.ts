import { LeaderTaskError } from '../leader-task.error.js';
import { pause } from '../pause.js';
import {
  isConnectionError,
  isZookeeperError,
} from '../../zookeeper/zookeeper.error.js';
import type { LedgerDocument } from './ledger-document.js';
import type { LedgerStore } from './ledger-store.interface.js';
import { parseLedger } from './parse-ledger.js';

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
 * The run ledger of one task: changed by compare-and-set only, one change at a
 * time.
 *
 * A change is a function of the ledger. When the outcome of a write is unknown,
 * or somebody else has written, the ledger is read again and the function asked
 * again: it has to see whether what it wants has happened already.
 */
export class RunLedger {
  readonly #store: LedgerStore;
  readonly #task: string;
  #known: Known | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(store: LedgerStore, task: string) {
    this.#store = store;
    this.#task = task;
  }

  get location(): string {
    return this.#store.location;
  }

  /** As ZooKeeper has it. */
  async read(): Promise<LedgerDocument | undefined> {
    return (await this.#load()).ledger;
  }

  /**
   * Makes a change; waits for the connection as long as `signal` does not abort.
   * Resolves to the ledger afterwards.
   *
   * @throws {LeaderTaskError} (rejects) `LEDGER_CORRUPT`
   * @throws {ZookeeperError} (rejects) for what no new connection will heal, and
   * for the lack of a connection when `signal` aborts
   */
  change(
    change: LedgerChange,
    signal: AbortSignal,
  ): Promise<LedgerDocument | undefined> {
    const result = this.#queue.then(() => this.#changeNow(change, signal));
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /**
   * {@link change}, of the ledger as ZooKeeper has it now. What is known from a
   * term that has ended may be of a ledger that has been deleted since: the
   * versions of the one after it began anew, and may have come to the same number.
   */
  changeAfresh(
    change: LedgerChange,
    signal: AbortSignal,
  ): Promise<LedgerDocument | undefined> {
    this.#queue = this.#queue.then(() => {
      this.#known = undefined;
    });
    return this.change(change, signal);
  }

  async #changeNow(
    change: LedgerChange,
    signal: AbortSignal,
  ): Promise<LedgerDocument | undefined> {
    for (;;) {
      try {
        this.#known ??= await this.#load();
        const { ledger, version } = this.#known;
        const next = change(ledger);
        if (next === undefined) {
          return ledger;
        }
        // Until the reply is here, nothing is known of the ledger.
        this.#known = undefined;
        const data = JSON.stringify(next);
        this.#known = {
          ledger: next,
          version:
            version === undefined
              ? await this.#store.create(data)
              : await this.#store.write(data, version),
        };
        return next;
      } catch (error) {
        if (canWait(error) && !signal.aborted) {
          // A request may be given up on a connection that lives.
          await pause(RETRY_PAUSE_MS, signal);
          await this.#store.reachable(signal);
        } else if (!isOutrun(error)) {
          // Somebody may mend what was wrong with it.
          this.#known = undefined;
          throw error;
        }
      }
    }
  }

  async #load(): Promise<Known> {
    const stored = await this.#store.read();
    if (!stored) {
      return { ledger: undefined, version: undefined };
    }
    try {
      const ledger = parseLedger(stored.data, this.#task);
      return { ledger, version: stored.version };
    } catch (error) {
      throw new LeaderTaskError(
        'LEDGER_CORRUPT',
        `The run ledger of the leader task "${this.#task}" cannot be used: ` +
          `${(error as Error).message}. Look at the znode ${this.location}; when ` +
          'it is deleted, the task begins a new ledger and forgets the old runs.',
      );
    }
  }
}

/** Whether somebody else has written first. */
function isOutrun(error: unknown): boolean {
  return isZookeeperError(error, 'BAD_VERSION', 'NODE_EXISTS', 'NO_NODE');
}

/** Whether it may go well on the next connection. */
function canWait(error: unknown): boolean {
  return isConnectionError(error) && error.code !== 'CLOSED';
}
