import { Logger } from '@nestjs/common';
import { LeaderElections } from '../../lib/election/leader-elections.js';
import {
  Partitions,
  type PartitionSet,
  type ZookeeperLeaderModuleOptions,
} from '../../lib/index.js';
import { resolveOptions } from '../../lib/zookeeper-leader.options.js';
import { LeadershipChecker } from './leadership-checker.js';
import { MemoryLogger } from './memory-logger.js';
import { endSession } from './session-thief.js';
import { TcpProxy } from './tcp-proxy.js';
import { waitFor } from './wait-for.js';
import { WireClient } from './wire-client.js';

export const GROUP = 'work';
/** A lease, and more. */
const LATE_NS = 5_000_000_000n;

export interface FleetMemberOptions extends ZookeeperLeaderModuleOptions {
  readonly partitions?: number;
  readonly isProxied?: boolean;
}

/** One instance that shares partitions, without its application. */
export class FleetMember {
  isClosed = false;

  constructor(
    readonly name: string,
    readonly weight: number,
    readonly elections: LeaderElections,
    readonly set: PartitionSet,
    readonly proxy: TcpProxy | undefined,
  ) {}

  /** The numbers of what it owns. */
  get owned(): number[] {
    return this.set.owned.map(({ partition }) => partition);
  }

  async close(): Promise<void> {
    if (!this.isClosed) {
      this.isClosed = true;
      await this.elections.shutDown();
      this.proxy?.close();
    }
  }
}

/**
 * The instances of one test, which share the partitions `work`. Proves by their
 * recorded terms that never two of them owned the same one.
 */
export class PartitionFleet {
  readonly members: FleetMember[] = [];
  readonly checker = new LeadershipChecker();
  readonly logger = new MemoryLogger();
  /** What runs for a partition when its owner has to give it up. */
  drain: (instance: string, partition: string) => Promise<void> = () =>
    Promise.resolve();

  constructor(
    readonly port: number,
    readonly basePath: string,
    readonly partitions: number,
    readonly defaults: FleetMemberOptions = {},
  ) {
    Logger.overrideLogger(this.logger);
  }

  get path(): string {
    return `${this.basePath}/partitions/${GROUP}`;
  }

  async start(
    name: string,
    own: FleetMemberOptions = {},
  ): Promise<FleetMember> {
    const { isProxied, partitions, ...options } = {
      partitions: this.partitions,
      ...this.defaults,
      ...own,
    };
    const proxy = isProxied
      ? await TcpProxy.start({ targetPort: this.port })
      : undefined;
    const resolved = resolveOptions({
      connectionString: proxy?.connectionString ?? `127.0.0.1:${this.port}`,
      sessionTimeoutMs: 2_000,
      basePath: this.basePath,
      instanceId: name,
      guardian: false,
      ...options,
    });
    const elections = new LeaderElections(
      resolved,
      { instanceId: name, host: 'test', pid: process.pid },
      'test',
    );
    elections.addDrain(async (election) => {
      if (election.startsWith(GROUP)) {
        await this.drain(name, election);
      }
    });
    const set = new Partitions(elections, resolved).of(GROUP, partitions);
    const member = new FleetMember(
      name,
      resolved.weight,
      elections,
      set,
      proxy,
    );
    this.#record(member);
    this.members.push(member);
    await elections.start();
    return member;
  }

  /** Starts several at a time. */
  startAll(...names: string[]): Promise<FleetMember[]> {
    return Promise.all(names.map((name) => this.start(name)));
  }

  get running(): FleetMember[] {
    return this.members.filter(({ isClosed }) => !isClosed);
  }

  /** Waits until all partitions are owned by the shares of those that run. */
  async waitForBalance(timeoutMs = 15_000): Promise<void> {
    await waitFor(() => this.#imbalance() === '', {
      timeoutMs,
      description: `balance: ${this.#imbalance()}`,
    }).catch((error: unknown) => {
      throw new Error(
        `${String(error)}\n${this.#imbalance()}\n${this.logger.messages().join('\n')}`,
      );
    });
  }

  /** Something is done from outside to what it owns: it learns of that late. */
  exempt({ name, set }: FleetMember): void {
    const fromNs = process.hrtime.bigint();
    this.checker.exemptions.push(
      ...set.elections.map((election) => ({
        instance: name,
        election: election.name,
        fromNs,
        untilNs: fromNs + LATE_NS,
      })),
    );
  }

  /** Ends the session of an instance. */
  async expire(member: FleetMember): Promise<void> {
    const { elections } = member;
    this.exempt(member);
    const { sessionId } = elections.session?.client.connection ?? {};
    await endSession(this.port, sessionId as string);
  }

  /** The owner of each partition, by its own word. */
  get owners(): (string | undefined)[] {
    return Array.from(
      { length: this.partitions },
      (_, partition) =>
        this.running.find(({ set }) => set.owns(partition))?.name,
    );
  }

  /** How many each instance owns, by its name. */
  get counts(): Record<string, number> {
    return Object.fromEntries(
      this.running.map(({ name, owned }) => [name, owned.length]),
    );
  }

  /** Looks at the server with a client that is not the library's. */
  async inspect<T>(look: (client: WireClient) => Promise<T>): Promise<T> {
    const client = await WireClient.connect({
      port: this.port,
      timeoutMs: 4_000,
    });
    try {
      return await look(client);
    } finally {
      await client.close();
    }
  }

  async close(): Promise<void> {
    this.drain = () => Promise.resolve();
    await Promise.all(this.members.map((member) => member.close()));
    this.checker.assertNoViolations();
  }

  #imbalance(): string {
    const { running } = this;
    const total = running.reduce((sum, { weight }) => sum + weight, 0);
    const owned = running.flatMap((member) => member.owned);
    const problems = running.flatMap(({ name, weight, owned: own, set }) => {
      const share = (set.partitions * weight) / total;
      return Math.abs(own.length - share) < 1
        ? []
        : [`${name} owns ${own.length} instead of ${share}`];
    });
    const count = Math.max(...running.map(({ set }) => set.partitions));
    if (total > 0 && new Set(owned).size !== count) {
      problems.push(`${new Set(owned).size} of ${count} are owned`);
    }
    return problems.join(', ');
  }

  #record({ name, set }: FleetMember): void {
    for (const election of set.elections) {
      election.leadership$.subscribe((leadership) => {
        const atNs = process.hrtime.bigint();
        this.checker.lost(name, election.name, atNs);
        if (leadership.role === 'leader') {
          this.checker.gained({
            instance: name,
            election: election.name,
            fromNs: atNs,
            fencingToken: leadership.term.fencingToken,
          });
        }
      });
    }
  }
}
