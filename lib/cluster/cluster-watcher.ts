import { Subject, type Observable, type Subscription } from 'rxjs';
import { isOwnedBySession, sortedNodes } from '../election/election-node.js';
import { longestRetryMs, SerialLoop } from '../session/serial-loop.js';
import { messageOf } from '../message-of.js';
import { GroupPaths } from '../partitions/group-nodes.js';
import type { NodePaths } from '../node-paths.js';
import type { ZookeeperClient } from '../zookeeper/zookeeper-client.interface.js';
import { isConnectionError } from '../zookeeper/zookeeper.error.js';
import { MOST_LISTED, nodeKey } from './cluster-limits.js';
import { clusterViewOf, partitionsIn } from './cluster-view.js';
import type { ClusterView } from './cluster-view.interface.js';
import { ReadBudget } from './read-budget.js';
import { UnownedClock } from './unowned-clock.js';
import { WatchedNode, type NodeAspect } from './watched-node.js';

const READS_PER_SECOND = 100;
const READS_AT_ONCE = 200;
/** The priority of what is read last. */
const OF_OWNERS = 5;
/** How often what does not exist yet is looked for: nothing watches it. */
const LOOK_AGAIN_MS = 2_000;
/** In such looks: nothing tells when what was refused is allowed. */
const ASK_REFUSED_AFTER = 15;

/**
 * Knows all that the library keeps below a base path, while somebody wants to
 * know it: reads it once, and then what the watches say has changed. However
 * much changes, and however many ask, the number of reads per second is bounded.
 *
 * What has been read is kept in between, and so are the watches: a change is
 * noted without a read, and only what has changed is read again.
 */
export class ClusterWatcher {
  readonly #client: ZookeeperClient;
  readonly #paths: NodePaths;
  readonly #nodes = new Map<string, WatchedNode>();
  readonly #budget: ReadBudget;
  readonly #lookAgainMs: number;
  readonly #unowned = new UnownedClock();
  readonly #changes = new Subject<void>();
  readonly #loop: SerialLoop;
  #users = 0;
  #epoch: number | undefined;
  #isComplete = false;
  #hasVerdict = false;
  #connection: Subscription | undefined;
  #lookAgain: NodeJS.Timeout | undefined;
  #looks = 0;

  /** Emits when {@link view} has changed, or may have. */
  readonly changes$: Observable<void> = this.#changes.asObservable();

  constructor(
    client: ZookeeperClient,
    paths: NodePaths,
    budget = new ReadBudget(READS_PER_SECOND, READS_AT_ONCE),
    lookAgainMs = LOOK_AGAIN_MS,
  ) {
    this.#client = client;
    this.#paths = paths;
    this.#budget = budget;
    this.#lookAgainMs = lookAgainMs;
    this.#loop = new SerialLoop(
      () => this.#update(),
      (error) => longestRetryMs(client, error),
    );
  }

  /** What is known now. */
  view(): ClusterView {
    const now = clusterViewOf(this.#nodes, this.#paths, {
      isComplete: this.#isComplete,
      hasVerdict: this.#hasVerdict,
    });
    return { ...now, partitions: this.#unowned.timed(now.partitions) };
  }

  /** Keeps {@link view} up to date until the result is called. */
  use(): () => void {
    this.#users += 1;
    if (this.#users === 1) {
      const stale = [...this.#nodes.values()].filter(({ isStale }) => isStale);
      const isCurrent = this.#epoch === this.#client.connection.epoch;
      this.#isComplete &&= isCurrent && stale.length === 0;
      this.#hasVerdict &&= isCurrent && !stale.some(needsVerdict);
      this.#connection = this.#client.connection$.subscribe(({ state }) => {
        this.#changes.next();
        if (state === 'connected') {
          this.#loop.wake();
        }
      });
      this.#lookAgain = setInterval(
        () => this.#lookForMissing(),
        this.#lookAgainMs,
      );
    }
    let isUsed = true;
    return () => {
      if (isUsed) {
        isUsed = false;
        this.#release();
      }
    };
  }

  #release(): void {
    this.#users -= 1;
    if (this.#users === 0) {
      this.#connection?.unsubscribe();
      clearInterval(this.#lookAgain);
      this.#unowned.forget();
    }
  }

  async #update(): Promise<void> {
    const { epoch } = this.#client.connection;
    if (epoch !== this.#epoch) {
      // The watches have gone with the connection.
      this.#epoch = epoch;
      for (const node of this.#nodes.values()) {
        node.isStale = true;
      }
    }
    while (this.#users > 0 && this.#client.connection.state === 'connected') {
      this.#choose();
      const stale = [...this.#nodes.values()]
        .filter(({ isStale }) => isStale)
        .toSorted((a, b) => a.priority - b.priority);
      this.#hasVerdict ||= !stale.some(needsVerdict);
      if (stale.length === 0) {
        this.#isComplete = true;
        this.#changes.next();
        return;
      }
      const batch = stale.slice(0, await this.#budget.available());
      this.#budget.spend(batch.length);
      await Promise.all(batch.map((node) => this.#read(node)));
      this.#changes.next();
    }
  }

  async #read(node: WatchedNode): Promise<void> {
    try {
      await node.read(this.#client, () => {
        if (this.#users > 0) {
          this.#loop.wake();
        }
      });
    } catch (error) {
      if (isConnectionError(error)) {
        node.isStale = true;
        throw error;
      }
      // It stays as it is until it is asked for again.
      node.problem = messageOf(error);
    }
  }

  /** Decides by what is known what is to be known. */
  #choose(): void {
    const wanted = new Set<string>();
    const want = (
      path: string,
      aspect: NodeAspect,
      priority: number,
    ): WatchedNode => {
      const key = nodeKey(path, aspect);
      const node =
        this.#nodes.get(key) ?? new WatchedNode(path, aspect, priority);
      this.#nodes.set(key, node);
      wanted.add(key);
      return node;
    };
    const { elections, partitions, tasks, instances, drains, audit } =
      this.#paths;
    let isBalanced = false;
    const listOf = (path: string, most: number): string[] =>
      want(path, 'children', 0).children.toSorted().slice(0, most);
    for (const election of listOf(elections, MOST_LISTED.elections)) {
      const path = `${elections}/${election}`;
      let mayLead = true;
      for (const { name, session } of sortedNodes(
        want(path, 'children', 1).children,
      ).slice(0, MOST_LISTED.participants)) {
        isBalanced ||= session !== undefined;
        const node: WatchedNode = mayLead
          ? want(`${path}/${name}`, 'content', 1)
          : want(`${path}/${name}`, 'fixed', 2);
        if (mayLead) {
          // Until it has been read: as it was when others were before it.
          node.content ??= this.#nodes.get(
            nodeKey(node.path, 'fixed'),
          )?.content;
        }
        // The first that counts is watched, and so is what does not.
        mayLead &&=
          node.content !== undefined && !isOwnedBySession(node.content.stat);
      }
    }
    if (isBalanced) {
      want(new GroupPaths(this.#paths.balance).assignment, 'content', 2);
    }
    let ownersLeft = MOST_LISTED.owners;
    for (const group of listOf(partitions, MOST_LISTED.groups)) {
      const paths = new GroupPaths(`${partitions}/${group}`);
      const { children } = want(paths.members, 'children', 1);
      for (const { name } of sortedNodes(children).slice(
        0,
        MOST_LISTED.instances,
      )) {
        want(`${paths.members}/${name}`, 'fixed', 2);
      }
      want(paths.assignment, 'content', 2);
      want(paths.owners, 'content', 1);
      const listed = partitionsIn(want(paths.owners, 'children', 1).children);
      for (const partition of listed
        .toSorted((a, b) => a - b)
        .slice(0, ownersLeft)) {
        want(paths.owner(partition), 'content', OF_OWNERS);
        ownersLeft -= 1;
      }
    }
    for (const task of listOf(tasks, MOST_LISTED.tasks)) {
      want(`${tasks}/${task}`, 'content', 3);
    }
    for (const instance of listOf(instances, MOST_LISTED.instances)) {
      want(`${instances}/${instance}`, 'fixed', 4);
    }
    for (const instance of listOf(drains, MOST_LISTED.drains)) {
      want(`${drains}/${instance}`, 'fixed', 4);
    }
    want(audit, 'content', 4);
    for (const key of this.#nodes.keys()) {
      if (!wanted.has(key)) {
        this.#nodes.get(key)?.forget(this.#client);
        this.#nodes.delete(key);
      }
    }
  }

  #lookForMissing(): void {
    this.#looks += 1;
    const asksRefused = this.#looks % ASK_REFUSED_AFTER === 0;
    for (const node of this.#nodes.values()) {
      const isDue =
        node.problem === undefined || node.priority === 0
          ? node.aspect !== 'fixed' && !node.isWatched
          : asksRefused;
      if (isDue) {
        node.isStale = true;
        this.#loop.wake();
      }
    }
  }
}

function needsVerdict({ priority }: WatchedNode): boolean {
  return priority < OF_OWNERS;
}
