import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WireClient } from '../support/wire-client.js';
import { isConnectionLoss } from '../support/wire-error.js';
import { Canary } from './canary.js';
import { last, monotonicMs } from './clock.js';
import { FaultyEnsemble } from './ensemble.js';
import { FencedStore } from './fenced-store.js';
import { History } from './history.js';
import { FaultInstance } from './instance.js';
import { readLedgers } from './ledgers.js';
import { OPERATOR } from './operator.js';
import { Link } from './link.js';
import type { GrantedSession } from './session-tap.js';
import {
  BASE_PATH,
  DRAIN_TIMEOUT_MS,
  ELECTIONS,
  LEASE_SHARE,
  PATIENCE_MS,
  TICK_TIME_MS,
  type RunSettings,
} from './settings.js';
import { socketOwner } from './socket-owner.js';
import {
  CREDENTIALS,
  describeVariety,
  drawVariety,
  electionsOf,
} from './variety.js';

/** A place for an instance: its cables to the servers stay when it is replaced. */
export interface Slot {
  readonly index: number;
  /** To each server. */
  readonly links: readonly Link[];
  /** From which the instance's wall clock takes its offset. */
  readonly clockFile: string;
  incarnation: number;
  instance: FaultInstance | undefined;
}

const RETRY_MS = 100;
/** How old what a leader has said of itself may be. */
const FRESH_MS = 400;

/** The ensemble, the instances, the store, and the cables between them. */
export class Cluster {
  static async start(settings: RunSettings): Promise<Cluster> {
    const ensemble = await FaultyEnsemble.start({
      tickTimeMs: TICK_TIME_MS,
      ...(settings.slowDisk !== undefined && {
        jvmArgs: ['-Dzookeeper.forceSync=yes'],
        env: {
          LD_PRELOAD: settings.slowDisk,
          SLOW_DISK_FILE: join(settings.directory, 'slow-disk'),
        },
      }),
    });
    const cluster = new Cluster(settings, ensemble, await FencedStore.start());
    for (let index = 0; index < settings.instances; index++) {
      const links = await Promise.all(
        ensemble.members.map(({ server }) => Link.open(server.port)),
      );
      const slot: Slot = {
        index,
        links,
        clockFile: join(settings.directory, `clock-${index}`),
        incarnation: 0,
        instance: undefined,
      };
      cluster.slots.push(slot);
      cluster.#recordSessions(slot);
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

  private constructor(
    readonly settings: RunSettings,
    readonly ensemble: FaultyEnsemble,
    readonly store: FencedStore,
  ) {
    this.history = new History(settings.log);
    this.canary = new Canary(ensemble);
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

  /** Whether all instances have started. */
  get isReady(): boolean {
    return this.slots.every(
      ({ instance }) => instance?.isRunning && instance.isReady,
    );
  }

  startInstance(slot: Slot): FaultInstance {
    slot.incarnation += 1;
    writeFileSync(slot.clockFile, '+0');
    const { settings } = this;
    const instanceId = `i${slot.index}.${slot.incarnation}`;
    const variety = drawVariety(settings, slot.index, slot.incarnation);
    const elections = electionsOf(variety);
    settings.record(`${instanceId} is ${describeVariety(variety)}`);
    const instance: FaultInstance = new FaultInstance({
      application: settings.application,
      settings: {
        library:
          (variety.isFormer ? settings.formerLibrary : undefined) ??
          settings.library,
        elections,
        isObserver: variety.isObserver,
        hasHangingHooks: variety.hasHangingHooks,
        storePort: this.store.port,
        options: {
          instanceId,
          connectionLossPolicy: variety.connectionLossPolicy,
          ...(settings.security === 'digest' && { credentials: CREDENTIALS }),
          connectionString: slot.links
            .map(({ port }) => `127.0.0.1:${port}`)
            .join(','),
          basePath: BASE_PATH,
          sessionTimeoutMs: this.sessionTimeoutMs,
          maxStallMs: 2 * this.sessionTimeoutMs,
          drainTimeoutMs: DRAIN_TIMEOUT_MS,
          elections,
        },
      },
      env: settings.faketime
        ? {
            LD_PRELOAD: settings.faketime,
            FAKETIME_TIMESTAMP_FILE: slot.clockFile,
            FAKETIME_NO_CACHE: '1',
            FAKETIME_DONT_FAKE_MONOTONIC: '1',
          }
        : {},
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
        // The servers elect a leader again: whoever serves then is asked.
        await last(RETRY_MS);
      }
    }
  }

  /** A client of our own that may do what the instances may, and set rights. */
  async connect(port: number): Promise<WireClient> {
    const client = await WireClient.connect({ port, timeoutMs: 4_000 });
    const { username, password } = CREDENTIALS;
    await client.addAuth('digest', `${username}:${password}`);
    await client.addAuth('digest', OPERATOR);
    return client;
  }

  /** Who begins and ends which session on the cables of a slot. */
  #recordSessions(slot: Slot): void {
    const { grants, closes } = this.history;
    const known = new Map<string, string>();
    for (const link of slot.links) {
      link.onGrant = ({ sessionId }) => {
        const instance = slot.instance?.id ?? '(nobody)';
        if (!known.has(sessionId)) {
          known.set(sessionId, instance);
          grants.push({ instance, sessionId, atMs: monotonicMs() });
        }
      };
      link.onClose = ({ sessionId, atMs, port }) => {
        const instance = known.get(sessionId) ?? '(nobody)';
        const by = this.#author(port, link.port);
        closes.push({ instance, sessionId, by, atMs });
        this.settings.record(
          `${by} ends session ${sessionId} of ${instance}, ${atMs}`,
        );
      };
    }
  }

  /** Whose connection it is, in words. */
  #author(port: number, linkPort: number): string {
    for (const instance of this.instances.toReversed()) {
      const pid = socketOwner(port, linkPort, instance.family());
      if (pid !== undefined) {
        return pid === instance.pid
          ? `the application ${instance.id}`
          : `the keeper of ${instance.id}`;
      }
    }
    return 'somebody who has ended';
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
