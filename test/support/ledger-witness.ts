import {
  parseLedger,
  type LedgerDocument,
  type OpenRun,
  type PastRun,
} from '../../lib/tasks/ledger/ledger.js';
import { NodePaths } from '../../lib/node-paths.js';
import { waitFor } from './wait-for.js';
import { WireClient } from './wire-client.js';

/** A claim as the ledger shows it, as far as it is known. */
export type Claim = OpenRun & Partial<Pick<PastRun, 'outcome' | 'error'>>;

const LOOK_EVERY_MS = 200;

/**
 * Remembers every run that the ledgers of some tasks have ever shown, beyond
 * their bounded history, with a client that is not the library's.
 */
export class LedgerWitness {
  readonly #client: WireClient;
  readonly #paths: NodePaths;
  readonly #claims = new Map<string, Map<string, Claim>>();
  readonly #timer: NodeJS.Timeout;
  #look: Promise<void> = Promise.resolve();
  #problem: unknown;

  static async start(
    port: number,
    basePath: string,
    tasks: readonly string[],
  ): Promise<LedgerWitness> {
    const client = await WireClient.connect({ port, timeoutMs: 30_000 });
    return new LedgerWitness(client, basePath, tasks);
  }

  private constructor(
    client: WireClient,
    basePath: string,
    private readonly tasks: readonly string[],
  ) {
    this.#client = client;
    this.#paths = new NodePaths(basePath);
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  /** The claims of a task, in the order of their ticks and attempts. */
  claims(task: string): Claim[] {
    return [...(this.#claims.get(task)?.values() ?? [])].toSorted(
      (a, b) => a.tick - b.tick || a.attempt - b.attempt,
    );
  }

  /** Takes note of what the ledgers say now. */
  look(): Promise<void> {
    this.#look = this.#look.then(async () => {
      try {
        for (const task of this.tasks) {
          await this.#note(task);
        }
      } catch (error) {
        this.#problem ??= error;
      }
    });
    return this.#look;
  }

  /** The ledger of a task as it is now; undefined if there is none. */
  async ledger(task: string): Promise<LedgerDocument | undefined> {
    const path = this.#paths.task(task);
    if (!(await this.#client.exists(path))) {
      return undefined;
    }
    const { data } = await this.#client.getData(path);
    return parseLedger(data.toString(), task);
  }

  /** Waits until every tick up to `timeMs` is decided. */
  async waitForTick(task: string, timeMs: number): Promise<void> {
    await waitFor(
      async () => ((await this.ledger(task))?.tick ?? 0) >= timeMs,
      {
        timeoutMs: 30_000,
        description: `the tick ${new Date(timeMs).toISOString()} of ${task}`,
      },
    );
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.look();
    await this.#client.close();
    if (this.#problem) {
      throw this.#problem;
    }
  }

  async #note(task: string): Promise<void> {
    const ledger = await this.ledger(task);
    if (!ledger) {
      return;
    }
    const { open, past } = ledger;
    const known = this.#claims.get(task) ?? new Map<string, Claim>();
    this.#claims.set(task, known);
    const shown = new Map<string, Claim>(
      [...open, ...past].map((run) => [run.id, run]),
    );
    for (const [id, claim] of known) {
      if (claim.outcome === undefined && !shown.has(id)) {
        // Given back: it led to no run, and its tick was claimed again.
        known.delete(id);
      }
    }
    for (const [id, claim] of shown) {
      known.set(id, claim);
    }
  }
}
