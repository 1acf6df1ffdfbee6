import { setTimeout as sleep } from 'node:timers/promises';
import { AddressBook, formatServer, type Server } from './address-book.js';

const FIRST_PAUSE_MS = 25;

/**
 * The order in which servers are tried: round and round, each round in another
 * order, with a pause that grows after every round in which none of them
 * answered.
 */
export class ServerRotation {
  readonly #book: AddressBook;
  readonly #longestPauseMs: number;
  readonly #onRoundFailed: (reason: string) => void;
  #round: Server[] = [];
  #lastUsed: string | undefined;
  #failures: string[] = [];
  #failedRounds = -1;

  constructor(
    servers: readonly Server[],
    longestPauseMs: number,
    onRoundFailed: (reason: string) => void,
  ) {
    this.#book = new AddressBook(servers);
    this.#longestPauseMs = longestPauseMs;
    this.#onRoundFailed = onRoundFailed;
  }

  /** Rounds that have failed since the last success. */
  get failedRounds(): number {
    return Math.max(0, this.#failedRounds);
  }

  /** The next server to try, with its IP address; waits where that is due. */
  async next(signal: AbortSignal): Promise<Server> {
    let server = this.#round.shift();
    while (!server) {
      this.#failedRounds += 1;
      if (this.#failures.length > 0) {
        this.#onRoundFailed(this.#failures.join(', '));
        this.#failures = [];
      }
      if (this.#failedRounds > 0) {
        await sleep(this.#pauseMs(), undefined, { signal });
      }
      this.#round = await this.#newRound();
      server = this.#round.shift();
    }
    return server;
  }

  /** The server did not take us. */
  failed(server: Server): void {
    this.#failures.push(`no answer at ${formatServer(server)}`);
  }

  /**
   * A connection has ended: the search begins anew, with this server last, and
   * without a pause unless the connection was too short to count as a success.
   */
  disconnected(server: Server, connectedForMs: number): void {
    if (connectedForMs >= this.#longestPauseMs) {
      this.#failedRounds = -1;
    }
    this.#round = [];
    this.#failures = [];
    this.#lastUsed = formatServer(server);
  }

  #pauseMs(): number {
    const pauseMs = Math.min(
      this.#longestPauseMs,
      FIRST_PAUSE_MS * 2 ** Math.min(this.#failedRounds - 1, 20),
    );
    // Spread, so that many instances do not come back in one burst.
    return pauseMs * (0.75 + Math.random() / 2);
  }

  async #newRound(): Promise<Server[]> {
    const { servers, problems } = await this.#book.look();
    this.#failures.push(...problems);
    return servers
      .map((server) => ({
        server,
        rank: Math.random() + Number(formatServer(server) === this.#lastUsed),
      }))
      .toSorted((a, b) => a.rank - b.rank)
      .map(({ server }) => server);
  }
}
