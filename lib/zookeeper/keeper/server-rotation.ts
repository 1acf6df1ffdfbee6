import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Server {
  readonly host: string;
  readonly port: number;
}

const FIRST_PAUSE_MS = 25;

/**
 * The order in which servers are tried: round and round from a random one, with
 * a pause that grows after every round in which none of them answered. Names
 * are resolved anew for each round, because servers move; and by us, because
 * the native client would do it blocking, for every packet.
 */
export class ServerRotation {
  readonly #servers: readonly Server[];
  readonly #longestPauseMs: number;
  readonly #onUnresolved: (reason: string) => void;
  #round: string[] = [];
  #lastUsed: string | undefined;
  #failedRounds = -1;

  constructor(
    servers: readonly Server[],
    longestPauseMs: number,
    onUnresolved: (reason: string) => void,
  ) {
    this.#servers = shuffled(servers);
    this.#longestPauseMs = longestPauseMs;
    this.#onUnresolved = onUnresolved;
  }

  /** Rounds that have failed since the last success. */
  get failedRounds(): number {
    return Math.max(0, this.#failedRounds);
  }

  /** The next address to try, `ip:port`; waits where that is due. */
  async next(signal: AbortSignal): Promise<string> {
    while (this.#round.length === 0) {
      this.#failedRounds += 1;
      if (this.#failedRounds > 0) {
        await sleep(this.#pauseMs(), undefined, { signal });
      }
      this.#round = await this.#resolve();
    }
    return this.#round.shift() as string;
  }

  /**
   * A connection has ended: the search begins anew, with this server last, and
   * without a pause unless the connection was too short to count as a success.
   */
  disconnected(address: string, connectedForMs: number): void {
    if (connectedForMs >= this.#longestPauseMs) {
      this.#failedRounds = -1;
    }
    this.#round = [];
    this.#lastUsed = address;
  }

  #pauseMs(): number {
    const pauseMs = Math.min(
      this.#longestPauseMs,
      FIRST_PAUSE_MS * 2 ** Math.min(this.#failedRounds - 1, 20),
    );
    // Spread, so that many instances do not come back in one burst.
    return pauseMs * (0.75 + Math.random() / 2);
  }

  async #resolve(): Promise<string[]> {
    const lookups = await Promise.allSettled(this.#servers.map(addressesOf));
    const failures = lookups.flatMap((result) =>
      result.status === 'rejected' ? [String(result.reason.message)] : [],
    );
    if (failures.length === lookups.length) {
      this.#onUnresolved(failures.join(', '));
    }
    const addresses = lookups.flatMap((result) =>
      result.status === 'fulfilled' ? result.value : [],
    );
    const last = addresses.filter((address) => address === this.#lastUsed);
    return [
      ...addresses.filter((address) => address !== this.#lastUsed),
      ...last,
    ];
  }
}

async function addressesOf({ host, port }: Server): Promise<string[]> {
  if (isIP(host)) {
    return [`${host}:${port}`];
  }
  const addresses = await lookup(host, { all: true });
  return addresses.map(({ address }) => `${address}:${port}`);
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, key: Math.random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
