import { promises as dns } from 'node:dns';
import { isIP } from 'node:net';
import type { ServerEndpoint } from '../connection/frame-connection.js';
import type { ServerAddress } from '../connection-string.js';
import { formatServer } from '../connection-string.js';
import { settledWithin } from '../../within.js';

export type ResolveName = (name: string) => Promise<readonly string[]>;

const resolveByDns: ResolveName = async (name) => {
  const found = await dns.lookup(name, { all: true });
  return found.map(({ address }) => address);
};

/** A connection that was shorter does not count as a success. */
export const LEAST_SUCCESS_MS = 1_000;

/**
 * The order in which servers are tried: round and round, each round in another
 * order. A name is resolved when its turn comes, since servers move. What it
 * was known for before serves while the name server does not; a name that is
 * not known costs its own turn and nobody else's.
 */
export class ServerList {
  readonly #servers: readonly ServerAddress[];
  readonly #resolveName: ResolveName;
  readonly #known = new Map<string, readonly string[]>();
  /** Questions that have not been answered yet, by name. */
  readonly #questions = new Map<string, Promise<void>>();
  #round: ServerAddress[];
  #endpoints: ServerEndpoint[] = [];
  #failures: string[] = [];
  #failedRounds = 0;

  constructor(
    servers: readonly ServerAddress[],
    resolveName: ResolveName = resolveByDns,
  ) {
    this.#servers = servers;
    this.#resolveName = resolveName;
    this.#round = shuffled(servers);
  }

  /** Rounds without any answer, since the last answer. */
  get failedRounds(): number {
    return this.#failedRounds;
  }

  /** The next server to try; undefined at the end of a round. */
  async next(lookupTimeoutMs: number): Promise<ServerEndpoint | undefined> {
    for (;;) {
      const endpoint = this.#endpoints.shift();
      if (endpoint) {
        return endpoint;
      }
      const server = this.#round.shift();
      if (!server) {
        this.#failedRounds += 1;
        this.#round = shuffled(this.#servers);
        return undefined;
      }
      this.#endpoints = await this.#endpointsOf(server, lookupTimeoutMs);
    }
  }

  /** A server could not be used; says why. */
  failed(server: ServerAddress, reason: string): void {
    this.#failures.push(`${formatServer(server)} ${reason}`);
  }

  /** Why the servers of the last round could not be used. */
  takeFailures(): string[] {
    const failures = this.#failures;
    this.#failures = [];
    return failures;
  }

  /**
   * A server has answered: the next round begins anew, and tries that server
   * first, or last.
   */
  succeeded(endpoint: ServerEndpoint, position: 'first' | 'last'): void {
    this.#failedRounds = 0;
    this.#failures = [];
    const others = shuffled(this.#servers).filter(
      ({ host, port }) => host !== endpoint.host || port !== endpoint.port,
    );
    this.#endpoints = position === 'first' ? [endpoint] : [];
    this.#round =
      position === 'first'
        ? others
        : [...others, { host: endpoint.host, port: endpoint.port }];
  }

  async #endpointsOf(
    { host, port }: ServerAddress,
    timeoutMs: number,
  ): Promise<ServerEndpoint[]> {
    if (!isIP(host)) {
      await settledWithin([this.#ask(host, port)], timeoutMs);
      if (!this.#known.has(host) && this.#questions.has(host)) {
        this.failed({ host, port }, 'has a name that nobody resolved in time');
      }
    }
    const addresses = isIP(host) ? [host] : (this.#known.get(host) ?? []);
    return shuffled(addresses).map((address) => ({ host, address, port }));
  }

  /** Asks for the addresses of a name, once at a time. */
  #ask(host: string, port: number): Promise<void> {
    const asked = this.#questions.get(host);
    if (asked) {
      return asked;
    }
    const question = this.#resolveName(host)
      .then(
        (addresses) => void this.#known.set(host, [...new Set(addresses)]),
        (error: Error) =>
          this.failed({ host, port }, `cannot be resolved (${error.message})`),
      )
      .finally(() => this.#questions.delete(host));
    this.#questions.set(host, question);
    return question;
  }
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, rank: Math.random() }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}
