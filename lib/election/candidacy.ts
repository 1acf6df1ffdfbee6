import type { NodeReading } from '../session/node-reading.js';
import { checkSameSession } from '../session/same-session.js';
import type { SessionLease } from '../session/session-lease.js';
import type {
  NodeContent,
  NodeEvent,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import {
  isConnectionError,
  isZookeeperError,
} from '../zookeeper/zookeeper.error.js';
import {
  compareBySequence,
  sortedNodes,
  type ElectionNode,
} from './election-node.js';
import type { ElectionQueue, Listing } from './election-queue.js';
import type { LeadershipTerm } from './leadership.interface.js';

/** The queue as far as it concerns us, on one connection. */
export interface View {
  readonly epoch: number;
  /** Nodes before ours, the oldest first. */
  readonly ahead: readonly string[];
  /** The last of them, read and watched. */
  readonly predecessor: NodeReading<NodeContent> | undefined;
}

export interface CandidacyOptions {
  readonly client: ZookeeperClient;
  readonly lease: SessionLease;
  readonly queue: ElectionQueue;
  readonly sessionId: string;
  /** Name prefix (a UUID) of our node; unique per session. */
  readonly prefix: string;
  /** Names of nodes that look like participants and are none. */
  readonly strays: ReadonlySet<string>;
  /** Something has changed: there is a step to be taken. */
  readonly onChange: () => void;
  /** Our node is not there any more. */
  readonly onGone: () => void;
}

/**
 * This instance's entry in the election, on one session: our node, its place in
 * the queue, and the watches on it and on the node before.
 */
export class Candidacy {
  readonly sessionId: string;
  readonly #options: CandidacyOptions;
  readonly #client: ZookeeperClient;
  readonly #queue: ElectionQueue;
  readonly #prefix: string;
  /** Connection on which a listing shows all that was committed before it. */
  #syncedIn: number | undefined;
  #isCreateSent = false;
  #node: string | undefined;
  #own: NodeReading<NodeContent> | undefined;
  #fencingToken: number | undefined;
  /** The term that our node announces. */
  #announced: LeadershipTerm | undefined;
  #view: View | undefined;
  #isForgotten = false;

  constructor(options: CandidacyOptions) {
    this.sessionId = options.sessionId;
    this.#options = options;
    this.#client = options.client;
    this.#queue = options.queue;
    this.#prefix = options.prefix;
  }

  /** Whether there is, or may be, a node of ours. */
  get mayExist(): boolean {
    return this.#isCreateSent;
  }

  /** Name of our node, once it is known. */
  get node(): string | undefined {
    return this.#node;
  }

  get fencingToken(): number | undefined {
    return this.#fencingToken;
  }

  /** What was seen last; undefined: {@link look} again. */
  get view(): View | undefined {
    return this.#view;
  }

  /** Whether this is still the entry that a step in `epoch` began with. */
  isCurrent(epoch: number): boolean {
    const { connection } = this.#client;
    return (
      !this.#isForgotten &&
      connection.state === 'connected' &&
      connection.epoch === epoch
    );
  }

  /** Makes sure that we have exactly one node, and finds its place. */
  async look(epoch: number): Promise<void> {
    const isJoining = !this.#isCreateSent;
    const [listing] = await Promise.all([
      isJoining ? this.#join() : this.#queue.list(this.#syncedIn !== epoch),
      // A node of this name may be another session's by now.
      this.#node === undefined ? undefined : this.readOwn(epoch),
    ]);
    if (this.isCurrent(epoch)) {
      await this.#find(epoch, listing, isJoining);
    }
  }

  /** Finds our node, and its place. */
  async #find(
    epoch: number,
    listing: Listing,
    isJoining: boolean,
  ): Promise<void> {
    this.#syncedIn = epoch;
    const nodes = sortedNodes(listing.names);
    const own = this.#ownAmong(nodes);
    const ours = this.#node
      ? own.find(({ name }) => name === this.#node)
      : own[0];
    // Nodes of ours beyond the one are left over from creates whose reply was
    // lost. They would lead without anybody behind them.
    for (const { name } of own) {
      if (name !== ours?.name) {
        await this.#queue.delete(name);
      }
    }
    if (!ours) {
      this.#gone();
      return;
    }
    this.#node = ours.name;
    if (!this.isCurrent(epoch)) {
      return;
    }
    if (isJoining && nodes.at(-1) === ours) {
      // The parent's pzxid is at least our czxid, and below everybody's who comes
      // after us: it spares a read of our node (docs/safety.md).
      this.#fencingToken = listing.pzxid;
    }
    const { strays } = this.#options;
    const ahead = nodes
      .filter((node) => compareBySequence(node, ours) < 0)
      .map(({ name }) => name)
      .filter((name) => !strays.has(name));
    this.#see(epoch, ahead);
  }

  /** Takes the last one out of those before us: it is gone, or does not count. */
  passOver({ epoch, ahead }: View): void {
    this.#see(epoch, ahead.slice(0, -1));
    this.#options.onChange();
  }

  /**
   * The node before ours has been removed. Numbers only grow: nobody can have
   * come in between, so what was behind it is all that is left before us.
   */
  predecessorGone(view: View): void {
    if (view.ahead.length === 1) {
      this.passOver(view);
    } else {
      this.#lookAgain();
    }
  }

  /** Asks ZooKeeper for our node, all that was committed before included. */
  async isThere(): Promise<boolean> {
    const { names } = await this.#queue.list(true);
    const isThere = this.#node !== undefined && names.includes(this.#node);
    if (!isThere && this.#view) {
      this.#gone();
    }
    return isThere;
  }

  /** Reads and watches our node; undefined if it is gone. */
  async readOwn(epoch: number): Promise<NodeContent | undefined> {
    this.#own ??= this.#queue.reading(this.#node as string, (event) => {
      if (event === 'deleted') {
        this.#gone();
      } else {
        this.#options.onChange();
      }
    });
    const content = await this.#own.read(epoch);
    if (content?.stat.ephemeralOwner !== this.sessionId) {
      this.#gone();
      return undefined;
    }
    this.#fencingToken ??= content.stat.czxid;
    return content;
  }

  /** Tells in our node that we lead: its watcher is next in line from now on. */
  async announce(term: LeadershipTerm): Promise<void> {
    if (this.#announced === term) {
      return;
    }
    this.#announced = term;
    try {
      if (!(await this.#queue.announce(this.#node as string, term))) {
        this.#gone();
      }
    } catch (error) {
      this.#announced = undefined;
      throw error;
    }
  }

  /** Has our node tell what this instance does now. */
  async restate(epoch: number): Promise<void> {
    const own = await this.readOwn(epoch);
    if (own && this.isCurrent(epoch)) {
      await this.#queue.restate(this.#node as string, own);
    }
  }

  /** Removes our node and what may have been left behind; false: try again. */
  async remove(epoch: number): Promise<boolean> {
    if (!this.#isCreateSent) {
      return true;
    }
    // Also where no name is known: a server that has committed this, even in vain,
    // lists all that was committed before.
    await this.#queue.delete(this.#node ?? this.#prefix);
    this.#node = undefined;
    if (this.#view?.epoch !== epoch) {
      // A create whose reply was lost may have left another one behind.
      const { names } = await this.#queue.list(this.#syncedIn !== epoch);
      // One that is refused keeps none of the others.
      await Promise.all(
        this.#ownAmong(sortedNodes(names)).map(({ name }) =>
          this.#queue.delete(name),
        ),
      );
    }
    return this.#client.connection.epoch === epoch;
  }

  /** Lets go of it, and of its watches. */
  forget(): void {
    this.#isForgotten = true;
    this.#own?.forget();
    this.#view?.predecessor?.forget();
  }

  async #join(): Promise<Listing> {
    const { lease } = this.#options;
    await this.#queue.ensureClosed();
    const sentAt = lease.now();
    let listing: Listing;
    const isNew = this.#queue.isProbablyNew;
    try {
      listing = await this.#createAndList(
        isNew ? () => this.#queue.ensureOwn() : undefined,
      );
      this.#queue.found(!isNew);
    } catch (error) {
      if (!isZookeeperError(error, 'NO_NODE')) {
        throw error;
      }
      this.#queue.found(false);
      if (this.#client.access) {
        await this.#queue.ensure();
        listing = await this.#createAndList();
      } else {
        listing = await this.#createAndList(() => this.#queue.ensure());
      }
    }
    lease.extend(sentAt, this.sessionId);
    return listing;
  }

  /**
   * Creates our node and lists all of them in one round trip: ZooKeeper answers
   * one session's requests in the order in which they were sent, so the listing
   * contains the node.
   */
  async #createAndList(ensure?: () => Promise<void>): Promise<Listing> {
    // First of all: what has been sent when this throws nobody waits for.
    checkSameSession(this.#client, this.sessionId, this.#prefix);
    this.#isCreateSent = true;
    const [ensured, created, listed] = await Promise.allSettled([
      ensure?.(),
      this.#queue.create(this.#prefix),
      this.#queue.list(false),
    ]);
    if (created.status === 'rejected') {
      if (!isConnectionError(created.reason)) {
        this.#isCreateSent = false;
      }
      // What kept the parent from being created says more than its absence.
      throw ensured.status === 'rejected' ? ensured.reason : created.reason;
    }
    this.#node = created.value;
    if (listed.status === 'rejected') {
      throw listed.reason;
    }
    return listed.value;
  }

  /** Keeps in mind who stands before us, and watches the last of them. */
  #see(epoch: number, ahead: readonly string[]): void {
    this.#view?.predecessor?.forget();
    const last = ahead.at(-1);
    const onEvent = (event: NodeEvent): void => {
      if (this.#view !== view) {
        return;
      }
      if (event === 'deleted') {
        this.predecessorGone(view);
      } else if (ahead.length === 1) {
        // Nobody else can be before us: it is read again, and nothing listed.
        this.#options.onChange();
      } else {
        // It leads now, and we may have become next in line.
        this.#lookAgain();
      }
    };
    const predecessor =
      last === undefined ? undefined : this.#queue.reading(last, onEvent);
    const view: View = { epoch, ahead, predecessor };
    this.#view = view;
  }

  #ownAmong(nodes: readonly ElectionNode[]): ElectionNode[] {
    return nodes.filter(({ name }) => name.startsWith(this.#prefix));
  }

  #lookAgain(): void {
    this.#view?.predecessor?.forget();
    this.#view = undefined;
    this.#options.onChange();
  }

  #gone(): void {
    if (!this.#isForgotten) {
      this.#options.onGone();
    }
  }
}
