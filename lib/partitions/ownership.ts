import { Subscription } from 'rxjs';
import { endsTerms } from '../session/connection-loss.js';
import type { ElectionReporter } from '../election/election-reporter.js';
import type { Drain } from '../election/managed-election.js';
import type { LeadershipReason } from '../election/leadership.interface.js';
import { longestRetryMs, SerialLoop } from '../session/serial-loop.js';
import { StepFailures } from '../session/step-failures.js';
import type { ConnectionLossPolicy } from '../interfaces/zookeeper-leader-options.interface.js';
import type { InstanceIdentity } from '../session/instance-node.js';
import type { LeaseHolder, SessionLease } from '../session/session-lease.js';
import type {
  Connection,
  NodeContent,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import {
  isConnectionError,
  isZookeeperError,
} from '../zookeeper/zookeeper.error.js';
import { messageOf } from '../message-of.js';
import { parseGeneration } from './group-nodes.js';
import { OwnerNode } from './owner-node.js';
import type { Partition } from './partition.js';

export interface OwnershipSettings {
  readonly client: ZookeeperClient;
  readonly lease: SessionLease;
  readonly identity: InstanceIdentity;
  readonly connectionLossPolicy: ConnectionLossPolicy;
  readonly partitions: readonly Partition[];
  /** The node below which that of each owned partition lies. */
  readonly path: string;
  /** Ends what runs for a partition, before another instance owns it. */
  readonly drain: Drain;
  readonly reporter: ElectionReporter;
  /**
   * What is assigned to this instance could not be owned for a session timeout:
   * others have to take it, until the pause is over.
   */
  readonly onMadeWay: (pauseMs: number) => void;
}

/**
 * What this instance owns of a group. To own a partition is to have its ephemeral
 * node, and a lease (docs/safety.md). All of it is one step that compares what is
 * wanted with what is there; its requests travel together.
 */
export class Ownership implements LeaseHolder {
  readonly #settings: OwnershipSettings;
  readonly #client: ZookeeperClient;
  readonly #lease: SessionLease;
  readonly #loop: SerialLoop;
  readonly #nodes: readonly OwnerNode[];
  readonly #subscription: Subscription;
  /** With the time from which on each is wanted. */
  #wanted: ReadonlyMap<number, number> = new Map();
  #unwantedBecause: LeadershipReason = 'unassigned';
  #sessionId: string | undefined;
  readonly #failures = new StepFailures();
  /** Told when nothing is left that is not wanted. */
  #waiting: (() => void)[] = [];

  constructor(settings: OwnershipSettings) {
    this.#settings = settings;
    this.#client = settings.client;
    this.#lease = settings.lease;
    this.#loop = new SerialLoop(
      () => this.#reconcile(),
      (error) => this.#failed(error),
    );
    this.#nodes = settings.partitions.map(
      (partition) =>
        new OwnerNode(this.#client, partition, () => this.#loop.wake()),
    );
    this.#subscription = this.#client.connection$.subscribe((connection) =>
      this.#connectionChanged(connection),
    );
  }

  /** Owns these partitions from now on, as soon as they are free, and no others. */
  want(
    partitions: ReadonlySet<number>,
    reason: LeadershipReason = 'unassigned',
  ): void {
    const now = Date.now();
    this.#wanted = new Map(
      [...partitions].map((each) => [each, this.#wanted.get(each) ?? now]),
    );
    this.#unwantedBecause = reason;
    this.#giveUp();
    this.#loop.wake();
  }

  get wantedCount(): number {
    return this.#wanted.size;
  }

  /** How many have been wanted, and not owned, for longer than that. */
  waitingFor(ms: number): number {
    const dueMs = Date.now() - ms;
    const isConnected = this.#client.connection.state === 'connected';
    return this.#nodes.filter(({ partition }) => {
      const since = this.#wanted.get(partition.index) ?? Infinity;
      return (
        isConnected &&
        !partition.state.isLeading &&
        Math.max(since, partition.leadership.since.getTime()) < dueMs
      );
    }).length;
  }

  /**
   * Resolves when what is not wanted is gone from ZooKeeper; at once where nothing
   * can be done about it before the next connection.
   */
  released(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#tellReleased();
    });
  }

  /** Nothing happens any more. */
  end(reason: LeadershipReason): void {
    this.#loop.stop();
    this.#lease.release(this);
    this.#subscription.unsubscribe();
    for (const node of this.#nodes) {
      node.forget();
      node.partition.state.complete(reason);
    }
    this.#tellReleased();
  }

  leaseLapsed(): void {
    this.#endTerms('lease-expired');
    this.#loop.wake();
  }

  leaseGranted(): void {
    this.#loop.wake();
  }

  #connectionChanged(connection: Connection): void {
    const { state } = connection;
    if (state === 'connected') {
      this.#loop.wake();
    } else if (endsTerms(this.#settings.connectionLossPolicy, connection)) {
      this.#endTerms('suspended');
    } else if (state === 'lost') {
      // Its nodes have gone with it, or are ours again when it comes back.
      this.#endTerms('session-lost');
    }
    this.#tellReleased();
  }

  #endTerms(reason: LeadershipReason): void {
    this.#nodes.forEach(({ partition }) => partition.state.depose(reason));
  }

  /** Ends the terms of what is not wanted, and then what runs for them. */
  #giveUp(): void {
    for (const node of this.#nodes) {
      if (this.#isWanted(node) || node.drain) {
        continue;
      }
      const { partition } = node;
      partition.state.depose(this.#unwantedBecause);
      if (node.state === 'foreign') {
        node.forget();
      } else if (node.state !== 'absent') {
        const drain = { isDone: false };
        node.drain = drain;
        void this.#settings.drain(partition.name).then(() => {
          drain.isDone = true;
          this.#loop.wake();
        });
      }
    }
  }

  async #reconcile(): Promise<void> {
    const { connection } = this.#client;
    if (connection.state !== 'connected') {
      return;
    }
    const { epoch } = connection;
    const sessionId = connection.sessionId as string;
    if (this.#sessionId !== sessionId) {
      // Ephemeral nodes end with their session.
      this.#sessionId = sessionId;
      this.#nodes.forEach((node) => node.forget());
    }
    this.#giveUp();
    const failure = await this.#look(sessionId, epoch);
    if (this.#client.connection.epoch === epoch) {
      await this.#own(epoch);
    }
    this.#tellReleased();
    if (failure) {
      throw failure.reason;
    }
    const blocked = this.#nodes.find(({ isBlocked }) => isBlocked);
    if (blocked) {
      // Its end wakes the loop.
      this.#settings.reporter.problem(new Error(blockedMessage(blocked)), true);
      return;
    }
    if (!this.#nodes.some(({ drain }) => drain?.isDone)) {
      // Else something could not be removed yet, and has only been looked at.
      this.#failures.clear();
      this.#settings.reporter.healed();
    }
  }

  /**
   * Removes, creates and reads nodes, in one round trip. Resolves to the first
   * failure: that of one partition is not in the way of others.
   */
  async #look(
    sessionId: string,
    epoch: number,
  ): Promise<PromiseRejectedResult | undefined> {
    const { path, identity } = this.#settings;
    const left: OwnerNode[] = [];
    const asked: OwnerNode[] = [];
    for (const node of this.#nodes) {
      const isWanted = this.#isWanted(node);
      if (node.drain?.isDone && isWanted) {
        node.drain = undefined;
      }
      if (node.needsLook(epoch, isWanted)) {
        asked.push(node);
      } else if (node.drain?.isDone) {
        left.push(node);
      }
    }
    if (left.length === 0 && asked.length === 0) {
      return undefined;
    }
    const leaderSince = new Date().toISOString();
    const data = JSON.stringify({ ...identity, leaderSince });
    const sentAt = this.#lease.now();
    const settled = await Promise.allSettled([
      // A server that lags behind would not know our nodes.
      asked.some(({ state }) => state !== 'absent')
        ? this.#client.sync(path)
        : undefined,
      ...left.map((node) => node.remove()),
      ...asked.map((node) => node.claim(data)),
      // Last: its answer is not older than what has been created.
      asked.length > 0 ? this.#client.get(path) : undefined,
    ]);
    if (this.#client.connection.epoch !== epoch) {
      return undefined;
    }
    const hasCreated = settled.some(
      (each) => each.status === 'fulfilled' && each.value === true,
    );
    if (hasCreated) {
      this.#lease.extend(sentAt, sessionId);
    }
    const generation = settled.at(-1);
    if (asked.length > 0 && generation?.status === 'fulfilled') {
      const { data: found } = generation.value as NodeContent;
      this.#admit(asked, parseGeneration(found), sessionId, epoch);
    }
    return settled.find((each) => each.status === 'rejected');
  }

  /**
   * What has been created counts only if the node above it says, in an answer that
   * is not older, that it is of our generation. That node cannot be replaced while
   * anything is below it.
   */
  #admit(
    asked: readonly OwnerNode[],
    generation: number,
    sessionId: string,
    epoch: number,
  ): void {
    const isOurs = generation === this.#settings.partitions.length;
    if (!isOurs) {
      this.#wanted = new Map();
    }
    for (const node of asked) {
      node.admit(sessionId, epoch);
      if (node.drain?.isDone) {
        this.#loop.wake();
      }
    }
    this.#giveUp();
  }

  /** Begins the terms of what is ours. */
  async #own(epoch: number): Promise<void> {
    if (!this.#nodes.some(({ state }) => state === 'ours')) {
      this.#lease.release(this);
      return;
    }
    this.#lease.hold(this);
    await this.#lease.prove();
    const { connection } = this.#client;
    for (const node of this.#nodes) {
      if (
        connection.state === 'connected' &&
        this.#isWanted(node) &&
        node.drain === undefined &&
        node.isOursIn(epoch) &&
        connection.epoch === epoch
      ) {
        node.partition.state.lead(node.fencingToken, 'elected');
      }
    }
  }

  #failed(error: unknown): number | undefined {
    const longestMs = longestRetryMs(this.#client, error);
    if (longestMs === undefined) {
      return undefined;
    }
    this.#failures.add();
    const { sessionTimeoutMs } = this.#lease;
    const { reporter, onMadeWay } = this.#settings;
    const isLasting =
      !isConnectionError(error) && !isZookeeperError(error, 'NO_NODE');
    // One request may always get lost, and the coordinator may be at work.
    if (isLasting || this.#failures.count > 5) {
      reporter.problem(error, this.#wanted.size > 0);
    }
    const { durationMs } = this.#failures;
    if (isLasting && this.#wanted.size > 0 && durationMs > sessionTimeoutMs) {
      const pauseMs = this.#failures.makeWay(sessionTimeoutMs);
      reporter.madeWay(messageOf(error), pauseMs);
      onMadeWay(pauseMs);
    } else if (
      isLasting &&
      this.#wanted.size === 0 &&
      !this.#isDraining &&
      durationMs > sessionTimeoutMs / 4
    ) {
      // What cannot be removed goes with the session.
      const why = reporter.sessionGivenUp(messageOf(error));
      void this.#client.replaceSession(why);
    }
    return Math.min(longestMs, sessionTimeoutMs / 8);
  }

  #tellReleased(): void {
    const isPending =
      this.#client.connection.state === 'connected' &&
      this.#nodes.some(
        (node) =>
          !this.#isWanted(node) &&
          (node.state === 'ours' || node.state === 'unknown'),
      );
    if (!isPending && !this.#isDraining) {
      this.#waiting.splice(0).forEach((tell) => tell());
    }
  }

  /** Whether something still runs for what has been given up. */
  get #isDraining(): boolean {
    return this.#nodes.some(({ drain }) => drain?.isDone === false);
  }

  #isWanted({ partition }: OwnerNode): boolean {
    return this.#wanted.has(partition.index);
  }
}

function blockedMessage({ partition }: OwnerNode): string {
  return (
    `"${partition.path}" is in the way of the partition "${partition.name}", ` +
    'because no session owns it. Delete it'
  );
}
