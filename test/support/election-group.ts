import { Logger } from '@nestjs/common';
import type { Leadership } from '../../lib/index.js';
import { LeaderElections } from '../../lib/election/leader-elections.js';
import type { ManagedElection } from '../../lib/election/managed-election.js';
import type { ZookeeperLeaderModuleOptions } from '../../lib/index.js';
import { balanceElections } from '../../lib/balance/balanced-elections.js';
import { resolveOptions } from '../../lib/zookeeper-leader.options.js';
import { secureOptions } from './secure-options.mjs';
import { LeadershipChecker } from './leadership-checker.js';
import { MemoryLogger } from './memory-logger.js';
import { TcpProxy } from './tcp-proxy.js';
import { waitFor, type Truthy, type WaitForOptions } from './wait-for.js';
import { WireClient } from './wire-client.js';

const SAMPLE_INTERVAL_MS = 5;

export interface InstanceOptions extends ZookeeperLeaderModuleOptions {
  /** Elections to take part in; by default the default one. */
  readonly enters?: readonly string[];
}

/** One instance of an application, without the application. */
export class ElectionInstance {
  readonly election: ManagedElection;
  /** Every leadership of the first election, in order. */
  readonly changes: Leadership[] = [];
  isClosed = false;

  constructor(
    readonly name: string,
    readonly elections: LeaderElections,
    readonly entered: readonly string[],
    /** Between this instance and the server, if it was asked for. */
    readonly proxy: TcpProxy | undefined,
  ) {
    this.election = elections.find(entered[0] as string, 'a test');
    this.election.leadership$.subscribe((change) => this.changes.push(change));
  }

  get isLeader(): boolean {
    return this.election.isLeader();
  }

  /** The roles that it has had, in order. */
  get roles(): string[] {
    return this.changes.map(({ role }) => role);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.elections.shutDown();
    this.proxy?.close();
  }
}

/**
 * The instances of one test, which share a base path. Watches all the time that
 * never two of them lead, by what they say of themselves and by their intervals
 * of leadership.
 */
export class ElectionGroup {
  readonly instances: ElectionInstance[] = [];
  readonly checker = new LeadershipChecker();
  readonly logger = new MemoryLogger();
  /**
   * Set by a test that deletes a leader's node itself: the next one leads at
   * once, while the former learns of it by an event.
   */
  isTamperedWith = false;
  /** Counted up by a test that takes ZooKeeper's data away: tokens begin anew. */
  era = 0;
  readonly #violations: string[] = [];
  readonly #sampler = setInterval(() => this.#sample(), SAMPLE_INTERVAL_MS);

  constructor(
    /** The port at which the server can be looked at. */
    readonly port: number,
    readonly basePath: string,
    readonly defaults: InstanceOptions = {},
  ) {
    Logger.overrideLogger(this.logger);
  }

  /** Starts an instance; with a proxy if the test disturbs its traffic. */
  async start(
    name: string,
    { isProxied, ...own }: InstanceOptions & { isProxied?: boolean } = {},
  ): Promise<ElectionInstance> {
    const proxy = isProxied
      ? await TcpProxy.start({ targetPort: this.port })
      : undefined;
    const { enters = ['default'], ...options } = {
      connectionString: proxy?.connectionString ?? `127.0.0.1:${this.port}`,
      sessionTimeoutMs: 2_000,
      basePath: this.basePath,
      instanceId: name,
      ...this.defaults,
      ...own,
    };
    const resolved = resolveOptions(secureOptions(options));
    const elections = new LeaderElections(
      resolved,
      { instanceId: name, host: 'test', pid: process.pid },
      'test',
    );
    balanceElections(elections, resolved);
    const instance = new ElectionInstance(name, elections, enters, proxy);
    this.instances.push(instance);
    for (const election of enters) {
      this.#record(instance, election);
    }
    await elections.start();
    return instance;
  }

  /** Starts an instance and waits until it leads or waits for its turn. */
  async join(
    name: string,
    options?: InstanceOptions & { isProxied?: boolean },
  ): Promise<ElectionInstance> {
    const instance = await this.start(name, options);
    await waitFor(() => instance.election.leadership.role !== 'idle', {
      description: `${name} to have joined`,
    });
    return instance;
  }

  leader(): ElectionInstance | undefined {
    return this.instances.find(({ isLeader }) => isLeader);
  }

  waitForLeader(
    expected?: ElectionInstance,
    timeoutMs = 15_000,
  ): Promise<ElectionInstance> {
    return this.waitUntil(
      () =>
        expected ? (expected.isLeader ? expected : undefined) : this.leader(),
      { timeoutMs, description: `${expected?.name ?? 'somebody'} to lead` },
    );
  }

  /** Has a leader resign, and waits until it stands behind the others. */
  async resign(leader: ElectionInstance): Promise<void> {
    await leader.election.resign();
    await this.waitUntil(() => leader.election.leadership.role === 'follower', {
      description: `${leader.name} to queue again`,
    });
    await this.waitUntil(
      async () =>
        (await leader.election.participants()).at(-1)?.instanceId ===
        leader.name,
      { description: `${leader.name} to be the last in the queue` },
    );
  }

  /** {@link waitFor}, with what has happened so far if it fails. */
  async waitUntil<T>(
    condition: () => T | Promise<T>,
    options: WaitForOptions,
  ): Promise<Truthy<T>> {
    try {
      return await waitFor(condition, options);
    } catch (error) {
      throw new Error(`${String(error)}\n${this.#story()}`, { cause: error });
    }
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

  /** Names of the election's nodes. */
  nodes(election = 'default'): Promise<string[]> {
    const path = `${this.basePath}/elections/${election}`;
    return this.inspect(async (client) =>
      (await client.exists(path)) ? client.getChildren(path) : [],
    );
  }

  /**
   * The invariant that every scenario ends with: one leader at a time, one node
   * for each running instance, none of closed ones.
   */
  async expectInvariant(): Promise<void> {
    const running = this.instances.filter(({ isClosed }) => !isClosed).length;
    await waitFor(async () => (await this.nodes()).length === running, {
      description: `${running} nodes for ${running} running instances`,
    });
    this.expectOneLeaderAtATime();
  }

  expectOneLeaderAtATime(): void {
    this.checker.assertNoViolations();
    if (this.#violations.length > 0) {
      throw new Error(this.#violations.join('\n'));
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#sampler);
    await Promise.all(this.instances.map((instance) => instance.close()));
    if (!this.isTamperedWith) {
      this.expectOneLeaderAtATime();
    }
  }

  /** What every instance has become, and when, in the order of time. */
  #story(): string {
    const lines = this.instances.flatMap(({ name, changes }) =>
      changes.map(({ since, role, reason }) => ({
        atMs: since.getTime(),
        text: `${since.toISOString().slice(17, 23)} ${name}: ${role}, ${reason}`,
      })),
    );
    const changes = lines.toSorted((a, b) => a.atMs - b.atMs);
    return [...changes.map(({ text }) => text), ...this.logger.messages()].join(
      '\n',
    );
  }

  #record(instance: ElectionInstance, name: string): void {
    const election = instance.elections.find(name, 'a test');
    election.leadership$.subscribe((leadership) => {
      const atNs = process.hrtime.bigint();
      this.checker.lost(instance.name, name, atNs);
      if (leadership.role === 'leader') {
        this.checker.gained({
          instance: instance.name,
          election: name,
          fromNs: atNs,
          fencingToken: leadership.term.fencingToken,
          era: this.era,
        });
        this.#sample();
      }
    });
  }

  #sample(): void {
    const names = new Set(this.instances.flatMap(({ entered }) => entered));
    for (const name of names) {
      const leaders = this.instances.filter(
        ({ entered, elections }) =>
          entered.includes(name) && elections.find(name, 'a test').isLeader(),
      );
      if (leaders.length > 1) {
        const who = leaders.map((leader) => leader.name).join(' and ');
        this.#violations.push(`${who} lead "${name}" at once`);
      }
    }
  }
}
