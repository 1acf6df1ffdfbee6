import { lookup } from 'node:dns';
import { isIP } from 'node:net';

export interface Server {
  /** Name or IP address. */
  readonly host: string;
  readonly port: number;
}

/** What is known about the servers' addresses at a moment. */
export interface Addresses {
  /** Servers with an IP address as their host, each once. */
  readonly servers: readonly Server[];
  /** Why names have no address, or perhaps an outdated one. */
  readonly problems: readonly string[];
}

/** How long those whose address is known wait for those whose is not. */
const PATIENCE_MS = 500;

/**
 * Knows the IP addresses of the servers. Asks anew each time, since servers
 * move, but keeps what it once learned: a name server that is down, or one name
 * of several that cannot be resolved, must not keep us from the others. Names
 * are resolved by us because the native client does it blocking, for every
 * packet.
 */
export class AddressBook {
  readonly #servers: readonly Server[];
  readonly #known = new Map<string, readonly string[]>();
  /** Questions that have not been answered yet, by name. */
  readonly #questions = new Map<string, Promise<void>>();
  readonly #problems = new Map<string, string>();

  constructor(servers: readonly Server[]) {
    this.#servers = servers;
  }

  /** Resolves when all names are, or when waiting longer makes no sense. */
  async look(): Promise<Addresses> {
    const names = new Set(
      this.#servers.map(({ host }) => host).filter((host) => !isIP(host)),
    );
    if (names.size > 0) {
      const questions = [...names].map((name) => this.#ask(name));
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise((resolve) => {
        timer = setTimeout(resolve, PATIENCE_MS);
      });
      await Promise.race([Promise.all(questions), patience]);
      clearTimeout(timer);
      while (this.#resolved().length === 0 && this.#questions.size > 0) {
        await Promise.race(this.#questions.values());
      }
    }
    return {
      servers: this.#resolved(),
      problems: [...this.#problems.values()],
    };
  }

  #ask(name: string): Promise<void> {
    const asked = this.#questions.get(name);
    if (asked) {
      return asked;
    }
    const question = new Promise<void>((resolve) => {
      lookup(name, { all: true }, (error, found) => {
        this.#questions.delete(name);
        if (error) {
          this.#problems.set(name, error.message);
        } else {
          this.#problems.delete(name);
          const addresses = found.map(({ address }) => address);
          this.#known.set(name, addresses);
        }
        resolve();
      });
    });
    this.#questions.set(name, question);
    return question;
  }

  #resolved(): Server[] {
    const servers = this.#servers.flatMap(({ host, port }) => {
      const addresses = isIP(host) ? [host] : (this.#known.get(host) ?? []);
      return addresses.map((address) => ({ host: address, port }));
    });
    return [
      ...new Map(
        servers.map((server) => [formatServer(server), server]),
      ).values(),
    ];
  }
}

/** `host:port`, with an IPv6 address in brackets. */
export function formatServer({ host, port }: Server): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
