import { setTimeout as delay } from 'node:timers/promises';
import { WireClient } from '../support/wire-client.js';
import { unless } from '../support/wire-error.js';
import { monotonicMs } from './clock.js';
import type { FaultyEnsemble } from './ensemble.js';

const PATH = '/canary';
const INTERVAL_MS = 50;
const RETRY_MS = 100;
const TIMEOUT_MS = 2_000;

interface Write {
  /** What the node's version was after it: every write raises it, whatever its order. */
  readonly version: number;
  readonly acknowledgedMs: number;
}

/**
 * Writes to a node of its own all the time, with nothing of the library in
 * between, and remembers what was acknowledged. When less than that is there
 * afterwards, ZooKeeper has lost what it had committed.
 */
export class Canary {
  readonly #ensemble: Pick<FaultyEnsemble, 'anyServing'>;
  #acknowledged: readonly Write[] = [];
  #lostSinceMs = Infinity;
  /** Counts the lives of the data: what was sent in a former one is forgotten. */
  #life = 0;
  #isStopped = false;
  readonly #done: Promise<void>;

  constructor(ensemble: Pick<FaultyEnsemble, 'anyServing'>) {
    this.#ensemble = ensemble;
    this.#done = this.#write();
  }

  /** How many writes were acknowledged that have not been looked for. */
  get acknowledged(): number {
    return this.#acknowledged.length;
  }

  /** When the last write was acknowledged; 0 if none was. */
  get acknowledgedMs(): number {
    return this.#acknowledged.at(-1)?.acknowledgedMs ?? 0;
  }

  /** The data are about to be removed. */
  forget(): void {
    this.#life += 1;
    this.#acknowledged = [];
    this.#lostSinceMs = Infinity;
  }

  /** When the first write was acknowledged that is lost; undefined if none is. */
  async lostSince(client: WireClient): Promise<number | undefined> {
    const before = this.#acknowledged;
    await client.sync(PATH);
    const version = (await client.exists(PATH))?.version ?? -1;
    this.#lose(before.filter((write) => write.version > version));
    const lostSinceMs = this.#lostSinceMs;
    this.#lostSinceMs = Infinity;
    this.#acknowledged = this.#acknowledged.slice(-1);
    return Number.isFinite(lostSinceMs) ? lostSinceMs : undefined;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
  }

  async #write(): Promise<void> {
    while (!this.#isStopped) {
      let client: WireClient | undefined;
      try {
        const { server } = await this.#ensemble.anyServing();
        client = await WireClient.connect({
          port: server.port,
          timeoutMs: TIMEOUT_MS,
        });
        await client.create(PATH).catch(unless('NODE_EXISTS'));
        while (!this.#isStopped) {
          await this.#writeOnce(client);
          await delay(INTERVAL_MS);
        }
      } catch {
        // Nothing was acknowledged; perhaps by another server.
        await delay(RETRY_MS);
      } finally {
        client?.destroy();
      }
    }
  }

  async #writeOnce(client: WireClient): Promise<void> {
    const life = this.#life;
    const { version } = await client.setData(PATH, '');
    if (life === this.#life) {
      // Each write has a version of its own: one that comes again was lost.
      this.#lose(
        this.#acknowledged.filter((write) => write.version >= version),
      );
      const acknowledgedMs = monotonicMs();
      this.#acknowledged = [
        ...this.#acknowledged.filter((write) => write.version < version),
        { version, acknowledgedMs },
      ];
    }
  }

  #lose(writes: readonly Write[]): void {
    this.#lostSinceMs = Math.min(
      this.#lostSinceMs,
      ...writes.map(({ acknowledgedMs }) => acknowledgedMs),
    );
  }
}
