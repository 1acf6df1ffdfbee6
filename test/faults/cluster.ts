import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WireClient } from '../support/wire-client.js';
import { isConnectionLoss } from '../support/wire-error.js';
import { Canary } from './canary.js';
import type { Sharer } from './checks/balance.js';
import type { Contender } from './checks/standing.js';
import { last, monotonicMs } from './clock.js';
import { FaultyEnsemble } from './ensemble.js';
import { FencedStore } from './fenced-store.js';
import { History } from './history.js';
import { FaultInstance } from './instance.js';
import { launch, placeOf, type Place } from './launch.js';
import { readLedgers } from './ledgers.js';
import { Link } from './link.js';
import { setUpSecurity, SUPERUSER, type SecuritySetup } from './security.js';
import { SessionRecords } from './session-records.js';
import type { GrantedSession } from './session-tap.js';
import {
  ELECTIONS,
  EXTRA_ELECTIONS,
  LEASE_SHARE,
  PATIENCE_MS,
  SHARED_NAMES,
  TICK_TIME_MS,
  type RunSettings,
} from './settings.js';

/** A place for an instance: its cables to the servers stay when it is replaced. */
export interface Slot extends Place {
  incarnation: number;
  instance: FaultInstance | undefined;
}

const RETRY_MS = 100;
/** How old what a leader has said of itself may be. */
const FRESH_MS = 400;

/** The ensemble, the instances, the store, and the cables between them. */
export class Cluster {
  static async start(settings: RunSettings): Promise<Cluster> {
    const security = await setUpSecurity(settings.security, settings.directory);
    const ensemble = await FaultyEnsemble.start({
      tickTimeMs: TICK_TIME_MS,
      config: security.config,
      jvmArgs: [
        ...security.jvmArgs,
        ...(settings.slowDisk === undefined
          ? []
          : ['-Dzookeeper.forceSync=yes']),
      ],
      ...(settings.slowDisk !== undefined && {
        env: {
          LD_PRELOAD: settings.slowDisk,
          SLOW_DISK_FILE: join(settings.directory, 'slow-disk'),
        },
      }),
    });
    const store = await FencedStore.start();
    const cluster = new Cluster(settings, ensemble, store, security);
    for (let index = 0; index < settings.instances; index++) {
      const links = await Promise.all(
        ensemble.members.map(({ server }) =>
          Link.open(server.port, security.of(index).certificate),
        ),
      );
      const slot: Slot = {
        ...placeOf(settings, index, links),
        incarnation: 0,
        instance: undefined,
      };
      cluster.slots.push(slot);
      cluster.#sessions.watch(links, () => slot.instance);
    }
    return cluster;
  }

  readonly slots: Slot[] = [];
  readonly history: History;
  /** All instances that have been, those that have ended included. */
  readonly instances: FaultInstance[] = [];
  /** The life of ZooKeeper's data. */
  era = 0;

  readonly canary: Canary;
  readonly #sessions: SessionRecords;

  private constructor(
    readonly settings: RunSettings,
    readonly ensemble: FaultyEnsemble,
    readonly store: FencedStore,
    private readonly security: SecuritySetup,
  ) {
    this.history = new History(settings.log);
    this.canary = new Canary(ensemble);
    this.#sessions = new SessionRecords({
      history: this.history,
      record: settings.record,
    });
    this.beginLedgers();
  }

  get sessionTimeoutMs(): number {
    return this.settings.sessionTimeoutMs;
  }

  get running(): Slot[] {
    return this.slots.filter(({ instance }) => instance?.isRunning);
  }

  /** Those that may be ended. */
  get mortal(): Slot[] {
    return this.running.filter(
      ({ index }) => !(this.settings.hasSurvivor && index === 0),
    );
  }

  /** The slot whose instance leads an election, by its own word. */
  leader(election: string = ELECTIONS[0]): Slot | undefined {
    const [reign] = this.history.current(election, monotonicMs() - FRESH_MS);
    return this.running.find(
      ({ instance }) => instance?.id === reign?.instance,
    );
  }

  /** Whether each election has a leader. */
  get hasLeaders(): boolean {
    return ELECTIONS.every((election) => this.leader(election));
  }

  /** The instances that share the partitions. */
  get sharers(): Sharer[] {
    return this.running.flatMap(({ instance }) =>
      instance?.weight === undefined
        ? []
        : [{ id: instance.id, weight: instance.weight }],
    );
  }

  /** The instances, with what decides who of them leads. */
  get contenders(): Contender[] {
    return this.running.flatMap(({ instance }) => instance?.contender ?? []);
  }

  /** Of each election, by their own word. */
  get leaders(): Map<string, string[]> {
    return this.#current([...ELECTIONS, ...EXTRA_ELECTIONS]);
  }

  /** Of each partition, by their own word. */
  get owners(): Map<string, string[]> {
    return this.#current(SHARED_NAMES);
  }

  #current(elections: readonly string[]): Map<string, string[]> {
    const running = new Set(this.running.map(({ instance }) => instance?.id));
    const sinceMs = monotonicMs() - FRESH_MS;
    return new Map(
      elections.map((name) => [
        name,
        this.history
          .current(name, sinceMs)
          .map(({ instance }) => instance)
          .filter((id) => running.has(id)),
      ]),
    );
  }

  /** Whether all instances have started. */
  get isReady(): boolean {
    return this.slots.every(
      ({ instance }) => instance?.isRunning && instance.isReady,
    );
  }

  startInstance(slot: Slot): FaultInstance {
    slot.incarnation += 1;
    const { settings, security, store } = this;
    const instance: FaultInstance = new FaultInstance({
      ...launch(
        settings,
        slot,
        slot.incarnation,
        security.of(slot.index),
        store.port,
      ),
      history: this.history,
      era: () => this.era,
      record: (line) => settings.record(`${instance.id} ${line}`),
    });
    slot.instance = instance;
    this.instances.push(instance);
    return instance;
  }

  /** Undoes everything: cables, servers, clocks, and instances that have ended. */
  async repair(): Promise<void> {
    for (const { links, clockFile } of this.slots) {
      writeFileSync(clockFile, '+0');
      for (const link of links) {
        link.mend();
      }
    }
    await this.ensemble.repair();
    for (const slot of this.slots) {
      slot.instance?.signal('SIGCONT');
      if (!slot.instance?.isRunning) {
        this.startInstance(slot);
      }
    }
  }

  /** The session that the instance of a slot was granted last. */
  session({ links }: Slot): GrantedSession | undefined {
    return links
      .flatMap(({ granted }) => granted ?? [])
      .toSorted((a, b) => a.atMs - b.atMs)
      .at(-1);
  }

  /**
   * Something was done to an instance that docs/safety.md does not cover: what
   * its leadership rested on has gone, and no heartbeat sent later is answered
   * before it is told. So it may believe that it leads for a lease at most.
   */
  exempt(
    instance: string,
    elections: readonly string[],
    sinceMs: number,
  ): void {
    const untilMs = monotonicMs() + this.sessionTimeoutMs * LEASE_SHARE;
    for (const election of elections) {
      const fromMs = sinceMs;
      this.history.exemptions.push({ instance, election, fromMs, untilMs });
    }
  }

  /** Looks at ZooKeeper, or meddles with it, with a client of our own. */
  async inspect<T>(look: (client: WireClient) => Promise<T>): Promise<T> {
    const untilMs = monotonicMs() + PATIENCE_MS;
    for (;;) {
      try {
        return await this.#inspectOnce(look);
      } catch (error) {
        if (!isConnectionLoss(error) || monotonicMs() > untilMs) {
          throw error;
        }
        // The servers elect a leader again: ask one that serves then.
        await last(RETRY_MS);
      }
    }
  }

  /** A client of our own that may do everything. */
  async connect(port: number): Promise<WireClient> {
    const client = await WireClient.connect({ port, timeoutMs: 4_000 });
    await client.addAuth('digest', SUPERUSER);
    return client;
  }

  async #inspectOnce<T>(look: (client: WireClient) => Promise<T>): Promise<T> {
    const { server } = await this.ensemble.anyServing();
    const client = await this.connect(server.port);
    try {
      await client.sync('/');
      return await look(client);
    } finally {
      await client.close().catch(() => client.destroy());
    }
  }

  /**
   * From here on the ledgers are other ones than before.
   *
   * @param atMs when the former ones ended, if that was earlier
   */
  beginLedgers(atMs = monotonicMs()): void {
    const former = this.history.ledgerEras.at(-1);
    if (former) {
      former.untilMs = Math.min(former.untilMs, atMs);
    }
    this.history.ledgerEras.push({
      fromMs: monotonicMs(),
      untilMs: Infinity,
      lastTickInTime: undefined,
      runs: new Map(),
      lastTick: new Map(),
    });
  }

  readLedgers(): Promise<void> {
    return this.inspect((client) => readLedgers(client, this.history));
  }

  async close(): Promise<void> {
    await Promise.all(this.instances.map((instance) => instance.close()));
    for (const { links } of this.slots) {
      for (const link of links) {
        link.close();
      }
    }
    this.store.close();
    await this.canary.stop();
    await this.ensemble.close();
  }
}
